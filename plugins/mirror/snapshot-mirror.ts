import { join } from 'node:path'
import {
  type DownloadResult,
  type GroupEvent,
  type MirrorRequest,
  type ResolvedFile,
  ShoalError,
} from '@shoal/plugin'
import { WAIT_MS } from './files-mirror.ts'
import { type MirroredName, requireOwnFolder } from './marker.ts'
import { Mirror, type MirrorOptions, type MirrorPlan } from './mirror.ts'
import { changesText } from './render.ts'
import { SnapshotRecords } from './snapshot-records.ts'

/** Mirrors one snapshot, or a folder of it: the mirror's folder is the snapshot's. */
export class SnapshotMirror extends Mirror {
  /** Its name in the group. */
  readonly #name: string
  /** The folder in its tree, '' for all of it. */
  readonly #part: string

  constructor(options: MirrorOptions, { file, path }: ResolvedFile) {
    super(options, 1)
    this.#name = file.name
    this.#part = path
  }

  /** Without the version: the folder may go from one to another. */
  protected override get mirrored(): MirroredName {
    const { group } = this.options
    return { group, prefix: this.#part === '' ? this.#name : `${this.#name}/${this.#part}` }
  }

  /** Whether the tree has the part, and it is a folder. */
  protected override async check(signal: AbortSignal): Promise<void> {
    if (this.#part !== '') await this.#download({ earlier: [], begun: [], dryRun: true, force: true }, signal)
  }

  protected override async plan(signal: AbortSignal): Promise<MirrorPlan> {
    const before = await new SnapshotRecords(this.root).of(this.#name)
    const { files } = await this.#download({ ...before, dryRun: true }, signal)
    const { fileId, version, changes } = files[0]!
    this.snapshot = { name: this.#name, version, fileId }
    const { written, deleted } = changes!
    return { fetch: written, delete: deleted.map((path) => join(this.root, path)) }
  }

  protected override async compare(): Promise<void> {
    this.backlog.add(this.options.prefix)
  }

  protected override async apply(event: GroupEvent): Promise<void> {
    const { group, prefix, tell } = this.options
    const name = event.type === 'file.published' ? event.file.name : 'name' in event ? event.name : null
    if (name !== this.#name) return
    if (event.type !== 'file.removed') return this.backlog.add(prefix)
    this.backlog.drop(prefix)
    tell(`${group}:${name} was removed from the group; ${this.root} stays as it is`)
  }

  protected override async fetch(name: string, signal: AbortSignal): Promise<void> {
    const { client, group, deletes, tell } = this.options
    const { file } = await client.resolve(group, name)
    if (!file.tree)
      throw new ShoalError('FILE_NOT_FOUND', `${group}:${name} is no longer a snapshot`, {
        hint: 'end this mirror, and mirror its new form into another folder',
      })
    await this.makeFolder(false)
    if (deletes) await requireOwnFolder(this.root, this.mirrored)
    const records = new SnapshotRecords(this.root)
    const before = await records.of(this.#name)
    await records.begin(this.#name, { fileId: file.fileId, size: file.size })
    const { files } = await this.#download({ ...before, dryRun: false }, signal)
    const { fileId, size, version, changes } = files[0]!
    await records.finish(this.#name, { fileId, size }, !deletes && changes!.kept.length > 0)
    this.snapshot = { name: this.#name, version, fileId }
    this.files.push(files[0]!)
    for (const path of changes!.deleted) this.deleted.push(join(this.root, path))
    tell(changesText(this.root, { name: `${group}:${this.#name}`, version }, changes!))
  }

  #download(
    { force = this.options.force, ...how }: Omit<MirrorRequest, 'checksum' | 'deletes'> & { force?: boolean },
    signal: AbortSignal,
  ): Promise<DownloadResult> {
    const { peer, progress, group, prefix, folder, deletes, checksum } = this.options
    const output = this.root === '' ? folder : this.root
    const mirror = { checksum, deletes, ...how }
    const limits = { maxDown: 0, maxUp: 0, sequential: false, waitMs: WAIT_MS }
    return peer.download({ group, name: prefix, output, ...limits, force, mirror }, progress, signal)
  }
}
