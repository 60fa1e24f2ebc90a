import { existsSync, lstatSync } from 'node:fs'
import { rmdir, unlink } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import {
  type DownloadResult,
  type FileRecord,
  filesBelow,
  type GroupEvent,
  isBelow,
  placeInside,
  ShoalError,
  type SnapshotId,
  storageError,
} from '@shoal/plugin'
import { type MirroredName, mayDelete, requireOwnFolder } from './marker.ts'
import { Mirror, type MirrorOptions, type MirrorPlan } from './mirror.ts'
import { changesText, hasChanged } from './render.ts'
import { SnapshotRecords } from './snapshot-records.ts'

const PAGE = 1000
const AT_ONCE = 16
/** How long a download waits for a peer that serves the file. It is retried later. */
export const WAIT_MS = 10_000

/** Mirrors a folder of the group with all that is below it: each file and snapshot by itself. */
export class FilesMirror extends Mirror {
  /** Of the names whose newest version is a snapshot. */
  readonly #snapshots = new Map<string, SnapshotId>()
  #opened: SnapshotRecords | null = null

  constructor(options: MirrorOptions) {
    super(options, AT_ONCE)
  }

  protected override get mirrored(): MirroredName {
    const { group, prefix } = this.options
    return { group, prefix }
  }

  /** A prefix without files is mistyped. */
  protected override async check(): Promise<void> {
    const { group, prefix } = this.options
    if (prefix === '') return
    for await (const _ of this.#list()) return
    throw new ShoalError('FILE_NOT_FOUND', `${group} has no files below ${prefix}`, {
      hint: `list its files: shoal group files ${group}`,
    })
  }

  protected override async plan(signal: AbortSignal): Promise<MirrorPlan> {
    const { deletes } = this.options
    const { wanted, missing } = await this.#difference(signal)
    const others = deletes && wanted.size > 0 && existsSync(this.root) ? await this.#others(wanted) : []
    const plan: MirrorPlan = { fetch: [], delete: others }
    for (const name of missing)
      if (wanted.get(name)?.tree) await this.#planSnapshot(name, plan, signal)
      else plan.fetch.push(name)
    return plan
  }

  async #planSnapshot(name: string, plan: MirrorPlan, signal: AbortSignal): Promise<void> {
    const output = this.#pathOf(name)
    const { files } = await this.#download(name, output, true, signal)
    const { written, deleted } = files[0]!.changes!
    plan.fetch.push(...written.map((path) => `${name}/${path}`))
    plan.delete.push(...deleted.map((path) => join(output, path)))
  }

  /** Deletes the folder's other files (with `deletes`), and queues the missing ones. */
  protected override async compare(signal: AbortSignal): Promise<void> {
    const { group, prefix, deletes, tell } = this.options
    const { wanted, missing } = await this.#difference(signal)
    // An empty group or prefix is no reason to empty the folder.
    if (deletes && wanted.size > 0) {
      await requireOwnFolder(this.root, this.mirrored)
      for (const path of await this.#others(wanted)) await this.#delete(path)
    }
    for (const name of missing) this.backlog.add(name)
    if (wanted.size === 0 && prefix !== '') tell(`${group}:${prefix} has no files yet`)
  }

  /** The group's files by name, and the names of those that the folder may lack or have in another state. */
  async #difference(signal: AbortSignal): Promise<{ wanted: Map<string, FileRecord>; missing: string[] }> {
    const { peer, progress, group, prefix, checksum } = this.options
    const wanted = await this.#wanted()
    const target = { group, name: prefix }
    // A copy that was altered or removed is no longer served afterwards.
    await peer.verify({ target, below: this.root, quick: !checksum }, progress, signal)
    const { seeding } = await peer.status()
    const here = new Map(seeding.filter((file) => !file.fault).map(({ path, fileId }) => [path, fileId]))
    // The download of a snapshot compares what is in its folder.
    const isHere = ([name, { fileId, tree }]: [string, FileRecord]): boolean =>
      !tree && here.get(this.#pathOf(name)) === fileId
    return { wanted, missing: [...wanted].filter((file) => !isHere(file)).map(([name]) => name) }
  }

  /** The group's files by name. */
  async #wanted(): Promise<Map<string, FileRecord>> {
    const wanted = new Map<string, FileRecord>()
    for await (const file of this.#list()) {
      wanted.set(file.name, file)
      this.#note(file)
    }
    return wanted
  }

  async *#list(): AsyncGenerator<FileRecord> {
    const { client, group, prefix } = this.options
    for (let after: string | null = ''; after !== null; ) {
      const page = await client.files(group, { prefix, after, limit: PAGE })
      for (const file of page.files) if (isBelow(file.name, prefix)) yield file
      after = page.next
    }
  }

  protected override async apply(event: GroupEvent): Promise<void> {
    const { prefix, deletes } = this.options
    if (event.type === 'file.published' && isBelow(event.file.name, prefix)) {
      this.#note(event.file)
      this.backlog.add(event.file.name)
    }
    if (event.type !== 'file.removed' || !isBelow(event.name, prefix)) return
    this.backlog.drop(event.name)
    if (deletes) await this.#remove(this.#pathOf(event.name))
  }

  #note({ name, tree, fileId, size }: FileRecord): void {
    if (tree) this.#snapshots.set(name, { fileId, size })
    else this.#snapshots.delete(name)
  }

  /** Fetches the newest version of a name, unless the group no longer has it. */
  protected override async fetch(name: string, signal: AbortSignal): Promise<void> {
    const { tell } = this.options
    const snapshot = this.#snapshots.get(name)
    const output = placeInside(this.root, relative(name, this.options.prefix), snapshot !== undefined)
    if (snapshot) await this.#records.begin(name, snapshot)
    const { files } = await this.#download(name, output, false, signal).catch((error: unknown) => {
      // Removed since it was queued.
      if (error instanceof ShoalError && error.code === 'FILE_NOT_FOUND') return { files: [] }
      throw error
    })
    for (const file of files) {
      const { changes, fileId, size } = file
      if (changes) await this.#records.finish(name, { fileId, size }, changes.kept.length > 0)
      if (changes && !hasChanged(changes)) continue
      this.files.push(file)
      tell(changes ? changesText(file.path, file, changes) : `fetched ${file.name} to ${file.path}`)
      for (const path of changes?.deleted ?? []) this.deleted.push(join(file.path, path))
    }
  }

  async #download(
    name: string,
    output: string,
    dryRun: boolean,
    signal: AbortSignal,
  ): Promise<DownloadResult> {
    const { peer, progress, group, force, checksum } = this.options
    const deletes = this.options.deletes && mayDelete(this.root, join(output, 'anything'))
    const mirror = { checksum, deletes, dryRun, ...(await this.#records.of(name)) }
    const limits = { maxDown: 0, maxUp: 0, sequential: false, waitMs: WAIT_MS }
    return peer.download({ group, name, output, ...limits, force, mirror }, progress, signal)
  }

  get #records(): SnapshotRecords {
    this.#opened ??= new SnapshotRecords(this.root)
    return this.#opened
  }

  #pathOf(name: string): string {
    return join(this.root, ...relative(name, this.options.prefix).split('/'))
  }

  /** Deletes the copy of a file or snapshot that was removed from the group. */
  async #remove(path: string): Promise<void> {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return this.#delete(path)
    // Other files of the group may be in the same folder.
    for (const other of await this.#others(await this.#wanted()))
      if (other.startsWith(path + sep)) await this.#delete(other)
  }

  /**
   * Paths in the folder that the group does not have, and that the mirror may delete. The download of a snapshot decides
   * what stays in its folder.
   */
  async #others(wanted: ReadonlyMap<string, FileRecord>): Promise<string[]> {
    const { prefix } = this.options
    const keep = new Set([...wanted.keys()].map((name) => relative(name, prefix)))
    const snapshots = [...wanted.values()]
      .filter(({ tree }) => tree)
      .map(({ name }) => relative(name, prefix))
    const isWanted = (name: string): boolean =>
      keep.has(name) || snapshots.some((snapshot) => isBelow(name, snapshot))
    const { files } = await filesBelow(this.root, '')
    const others = files.filter(({ name }) => !isWanted(name)).map(({ path }) => path)
    return others.filter((path) => mayDelete(this.root, path))
  }

  /** Deletes a file, and the folders that it leaves empty. */
  async #delete(path: string): Promise<void> {
    if (!mayDelete(this.root, path)) return
    try {
      await unlink(path)
    } catch (error) {
      // Already gone, or a folder with that name.
      if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return
      throw storageError(error, path)
    }
    this.deleted.push(path)
    this.options.tell(`deleted ${path}`)
    for (let folder = dirname(path); folder.length > this.root.length; folder = dirname(folder))
      if (
        !(await rmdir(folder).then(
          () => true,
          () => false,
        ))
      )
        return
  }
}

/** The name relative to the prefix. A prefix that is a file's own name stands for that file. */
function relative(name: string, prefix: string): string {
  if (prefix === '') return name
  return name === prefix ? (name.split('/').at(-1) as string) : name.slice(prefix.length + 1)
}
