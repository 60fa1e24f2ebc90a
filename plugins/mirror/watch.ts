import { watch as watchFolder } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  filesBelow,
  type Peer,
  type ProgressListener,
  ShoalError,
  storageError,
  type UploadResult,
} from '@shoal/plugin'
import { type Scan, settled } from './settled.ts'

export interface WatchOptions {
  peer: Peer
  progress: ProgressListener
  group: string
  /** Folder in the group, '' for none. */
  prefix: string
  /** Folder on this machine. */
  folder: string
  settleMs: number
  /** Reports a line for each file that is published or left out. */
  tell(line: string): void
}

type Published = UploadResult['files'][number]

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000

/**
 * Publishes a folder's files to a group as they change. After the system reports a change, it scans the folder until
 * nothing changes any more, and publishes each file that stayed the same for `settleMs`.
 */
export class Watch {
  readonly #options: WatchOptions
  readonly #files: Published[] = []
  readonly #notices = new Set<string>()
  /** The published state of each path. */
  readonly #published: Scan = new Map()
  #changed = Promise.withResolvers<void>()
  #retryMs = FIRST_RETRY_MS

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Ends when the signal aborts. Throws errors of the folder and refusals of the group. */
  async run(signal: AbortSignal): Promise<Published[]> {
    const folder = resolve(this.#options.folder)
    await this.#remember(folder)
    const watcher = watchFolder(folder, { recursive: true, signal }, () => this.#changed.resolve())
    const failed = new Promise<never>((_, reject) =>
      watcher.once('error', (error) => reject(storageError(error, folder))),
    )
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    try {
      while (!signal.aborted) {
        this.#changed = Promise.withResolvers()
        await Promise.race([this.#settle(folder, signal), failed])
        await Promise.race([this.#changed.promise, aborted, failed])
      }
    } finally {
      watcher.close()
    }
    return this.#files
  }

  /** Marks the files that the peer serves unchanged from this folder as published. */
  async #remember(folder: string): Promise<void> {
    const { peer, group } = this.#options
    const { seeding } = await peer.status()
    const served = new Map(
      seeding.filter((file) => file.group === group && !file.fault).map((file) => [file.path, file.name]),
    )
    const names = await this.#names(folder)
    for (const [path, state] of await stateOf(names.keys()))
      if (served.get(path) === names.get(path)) this.#published.set(path, state)
  }

  /** Publishes until every file of the folder is published in its current state. */
  async #settle(folder: string, signal: AbortSignal): Promise<void> {
    let before: Scan = new Map()
    while (!signal.aborted) {
      const names = await this.#names(folder)
      const now = await stateOf(names.keys())
      const { ready, waiting } = settled(before, now, this.#published)
      const files = ready.map((path) => ({ path, name: names.get(path) as string }))
      const done = files.length === 0 || (await this.#publish(files, now, signal))
      if (done && waiting === 0) return
      before = now
      const wait = done ? this.#options.settleMs : this.#retryMs
      await delay(wait, undefined, { signal }).catch(() => {})
    }
  }

  /** The folder's files by path, with their names in the group. Reports once what is left out. */
  async #names(folder: string): Promise<Map<string, string>> {
    const { files, notices } = await filesBelow(folder, this.#options.prefix)
    for (const notice of notices) {
      if (!this.#notices.has(notice)) this.#options.tell(notice)
      this.#notices.add(notice)
    }
    return new Map(files.map(({ path, name }) => [path, name]))
  }

  /** Publishes the files. Returns false after an error that may pass: the caller scans the folder again later. */
  async #publish(
    files: { path: string; name: string }[],
    states: Scan,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { peer, progress, group, tell } = this.#options
    try {
      const published = await peer.upload({ group, files }, progress, signal)
      this.#files.push(...published.files)
      for (const { path } of files) this.#published.set(path, states.get(path) as string)
      for (const { name, version } of published.files) tell(`published ${group}:${name}, version ${version}`)
      this.#retryMs = FIRST_RETRY_MS
      return true
    } catch (error) {
      if (signal.aborted) return false
      if (!(error instanceof ShoalError) || !isTransient(error)) throw error
      tell(`could not publish yet: ${error.message}; retrying`)
      this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2)
      return false
    }
  }
}

/** Whether a retry may help: the tracker is away, or a file changed or disappeared, which the next scan sees. */
function isTransient({ kind, code }: ShoalError): boolean {
  return kind === 'unreachable' || kind === 'busy' || code === 'FILE_CHANGED' || code === 'PATH_NOT_FOUND'
}

/** Size, modification time and inode of each existing path, as one text. */
async function stateOf(paths: Iterable<string>): Promise<Scan> {
  const states: Scan = new Map()
  for (const path of paths) {
    const found = await stat(path, { bigint: true }).catch(() => null)
    if (found) states.set(path, `${found.size} ${found.mtimeNs} ${found.ino}`)
  }
  return states
}
