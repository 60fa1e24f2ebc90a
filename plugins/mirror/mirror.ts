import { existsSync, lstatSync } from 'node:fs'
import { mkdir, realpath, rmdir, unlink } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import {
  type DownloadedFile,
  type FileRecord,
  filesBelow,
  type GroupEvent,
  isBelow,
  type Peer,
  type ProgressListener,
  placeInside,
  ShoalError,
  storageError,
  type TrackerClient,
} from '@shoal/plugin'
import { Backlog } from './backlog.ts'
import { markFolder, mayDelete, refuseOtherMirror, requireOwnFolder } from './marker.ts'

export interface MirrorOptions {
  client: TrackerClient
  peer: Peer
  progress: ProgressListener
  group: string
  /** Folder in the group, '' for all of it. */
  prefix: string
  /** Folder on this machine. */
  folder: string
  deletes: boolean
  /** Lets the mirror delete in a folder that is not empty. */
  adopt: boolean
  /** Replaces files that no download put there. */
  force: boolean
  /** Only reports what would change. */
  dryRun: boolean
  /** Whether to continue after the folder equals the group. */
  follow: boolean
  /** Reports a line for each file that comes or goes. */
  tell(line: string): void
}

export interface MirrorSummary {
  group: string
  folder: string
  files: DownloadedFile[]
  /** Paths. */
  deleted: string[]
  /** Files of the group that could not be fetched yet. */
  failed: { name: string; reason: string }[]
  /** Of a dry run: the names to fetch and the paths to delete. */
  plan?: { fetch: string[]; delete: string[] }
}

const PAGE = 1000
const AT_ONCE = 16
/** How long a download waits for a peer that serves the file. It is retried later. */
const WAIT_MS = 10_000

/**
 * Keeps a folder equal to a group's files: compares them once, then follows the group's events. The home's peer
 * downloads each file under a working name, and renames it when it is complete.
 */
export class Mirror {
  readonly #options: MirrorOptions
  readonly #backlog: Backlog
  readonly #files: DownloadedFile[] = []
  readonly #deleted: string[] = []
  /** Names whose newest version is a snapshot. */
  readonly #snapshots = new Set<string>()
  /** The folder, with every link resolved. */
  #root = ''

  constructor(options: MirrorOptions) {
    this.#options = options
    this.#backlog = new Backlog({
      atOnce: AT_ONCE,
      retries: options.follow,
      work: (name, signal) => this.#fetch(name, signal),
      isFinal: isPermanent,
      failed: (name, error) => options.tell(`could not fetch ${name} yet: ${error.message}`),
    })
  }

  /** Ends when the signal aborts, or with `follow: false` when the folder is equal. Throws the tracker's refusal. */
  async run(signal: AbortSignal): Promise<MirrorSummary> {
    const { client, group, prefix, folder, deletes, adopt, dryRun } = this.#options
    const follow = this.#options.follow && !dryRun
    // Fails with "no such group" or "not a member" before anything is made.
    await client.group(group)
    if (deletes && !adopt) await requireOwnFolder(folder, { group, prefix })
    else if (!adopt) await refuseOtherMirror(folder, { group, prefix })
    if (dryRun) return this.#plan()
    await this.#refuseUnknown()
    try {
      await mkdir(folder, { recursive: true })
      this.#root = await realpath(folder)
    } catch (error) {
      throw storageError(error, folder)
    }
    await markFolder(this.#root, { group, prefix }, adopt)
    if (follow) await this.#followUntil(signal)
    else {
      await this.#compare()
      await this.#backlog.run(signal, true)
    }
    const failed = [...this.#backlog.failures].map(([name, { message }]) => ({ name, reason: message }))
    const [first] = this.#backlog.failures.values()
    if (!follow && first && !signal.aborted) throw first
    return { group, folder: resolve(folder), files: this.#files, deleted: this.#deleted, failed }
  }

  async #followUntil(signal: AbortSignal): Promise<void> {
    const { client, group } = this.#options
    const ended = new AbortController()
    const either = AbortSignal.any([signal, ended.signal])
    // If one of the two fails, it ends the other.
    const working = this.#backlog.run(either).finally(() => ended.abort())
    const following = (async () => {
      while (!either.aborted) {
        const { revision } = await client.group(group)
        await this.#compare()
        await this.#follow(revision, either)
      }
    })().finally(() => ended.abort())
    const results = await Promise.allSettled([working, following])
    const failure = results.find((result) => result.status === 'rejected')
    if (failure && !signal.aborted) throw failure.reason
  }

  /** Refuses a prefix without files: it is mistyped. */
  async #refuseUnknown(): Promise<void> {
    const { group, prefix } = this.#options
    if (prefix === '') return
    for await (const _ of this.#list()) return
    throw new ShoalError('FILE_NOT_FOUND', `${group} has no files below ${prefix}`, {
      hint: `list its files: shoal group files ${group}`,
    })
  }

  /** The plan that a run would carry out now. */
  async #plan(): Promise<MirrorSummary> {
    const { group, folder, deletes, tell } = this.#options
    await this.#refuseUnknown()
    this.#root = await realpath(folder).catch(() => resolve(folder))
    const { wanted, missing } = await this.#difference()
    const others = deletes && wanted.size > 0 && existsSync(this.#root) ? await this.#others(wanted) : []
    for (const name of missing) tell(`would fetch ${name}`)
    for (const path of others) tell(`would delete ${path}`)
    const plan = { fetch: missing, delete: others }
    return { group, folder: resolve(folder), files: [], deleted: [], failed: [], plan }
  }

  /** Deletes the folder's other files (with `deletes`), and queues the missing ones. */
  async #compare(): Promise<void> {
    const { group, prefix, deletes, tell } = this.#options
    const { wanted, missing } = await this.#difference()
    // An empty group or prefix is no reason to empty the folder.
    if (deletes && wanted.size > 0) for (const path of await this.#others(wanted)) await this.#delete(path)
    for (const name of missing) this.#backlog.add(name)
    if (wanted.size === 0 && prefix !== '') tell(`${group}:${prefix} has no files yet`)
  }

  /** The group's files by name, and the names of those that the folder lacks or has in another version. */
  async #difference(): Promise<{ wanted: Map<string, FileRecord>; missing: string[] }> {
    const { peer, prefix } = this.#options
    const wanted = await this.#wanted()
    // A file that the peer serves from its path is unchanged since it was verified.
    const { seeding } = await peer.status()
    const here = new Map(seeding.filter((file) => !file.fault).map(({ path, fileId }) => [path, fileId]))
    const isHere = ([name, { fileId }]: [string, FileRecord]): boolean =>
      here.get(join(this.#root, ...relative(name, prefix).split('/'))) === fileId
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
    const { client, group, prefix } = this.#options
    for (let after: string | null = ''; after !== null; ) {
      const page = await client.files(group, { prefix, after, limit: PAGE })
      for (const file of page.files) if (isBelow(file.name, prefix)) yield file
      after = page.next
    }
  }

  async #follow(since: number, signal: AbortSignal): Promise<void> {
    const { client, group } = this.#options
    try {
      for await (const event of client.events(group, since, signal)) await this.#apply(event)
    } catch (error) {
      if (signal.aborted) return
      // Cut off for too long: the next comparison finds what has changed.
      if (!(error instanceof ShoalError && error.code === 'REVISION_TOO_OLD')) throw error
    }
  }

  async #apply(event: GroupEvent): Promise<void> {
    const { prefix, deletes } = this.#options
    if (event.type === 'file.published' && isBelow(event.file.name, prefix)) {
      this.#note(event.file)
      this.#backlog.add(event.file.name)
    }
    if (event.type !== 'file.removed' || !isBelow(event.name, prefix)) return
    this.#backlog.drop(event.name)
    if (deletes) await this.#remove(join(this.#root, ...relative(event.name, prefix).split('/')))
  }

  #note({ name, tree }: Pick<FileRecord, 'name' | 'tree'>): void {
    if (tree) this.#snapshots.add(name)
    else this.#snapshots.delete(name)
  }

  /** Fetches the newest version of a file, unless the group no longer has it. */
  async #fetch(name: string, signal: AbortSignal): Promise<void> {
    const { peer, progress, group, prefix, force, tell } = this.#options
    const output = placeInside(this.#root, relative(name, prefix), this.#snapshots.has(name))
    const request = { group, name, output, maxDown: 0, maxUp: 0, sequential: false, waitMs: WAIT_MS, force }
    const { files } = await peer.download(request, progress, signal).catch((error: unknown) => {
      // Removed since it was queued.
      if (error instanceof ShoalError && error.code === 'FILE_NOT_FOUND') return { files: [] }
      throw error
    })
    this.#files.push(...files)
    for (const file of files) tell(`fetched ${file.name} to ${file.path}`)
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
    const { prefix } = this.#options
    const keep = new Set([...wanted.keys()].map((name) => relative(name, prefix)))
    const snapshots = [...wanted.values()]
      .filter(({ tree }) => tree)
      .map(({ name }) => relative(name, prefix))
    const isWanted = (name: string): boolean =>
      keep.has(name) || snapshots.some((snapshot) => isBelow(name, snapshot))
    const { files } = await filesBelow(this.#root, '')
    const others = files.filter(({ name }) => !isWanted(name)).map(({ path }) => path)
    return others.filter((path) => mayDelete(this.#root, path))
  }

  /** Deletes a file, and the folders that it leaves empty. */
  async #delete(path: string): Promise<void> {
    if (!mayDelete(this.#root, path)) return
    try {
      await unlink(path)
    } catch (error) {
      // Already gone, or a folder with that name.
      if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return
      throw storageError(error, path)
    }
    this.#deleted.push(path)
    this.#options.tell(`deleted ${path}`)
    for (let folder = dirname(path); folder.length > this.#root.length; folder = dirname(folder))
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

/** Whether a retry cannot help: the group refuses this user, or the request is wrong. */
function isPermanent(error: unknown): boolean {
  return error instanceof ShoalError && ['auth', 'forbidden', 'usage'].includes(error.kind)
}
