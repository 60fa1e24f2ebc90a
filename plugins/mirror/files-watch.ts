import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { clearOfCollisions, filesBelow, type UploadResult } from '@shoal/plugin'
import { onChanges } from './changes.ts'
import { Publisher, type PublisherOptions } from './publisher.ts'
import { type Scan, settled } from './settled.ts'

export interface FilesWatchOptions extends PublisherOptions {
  group: string
  /** Folder in the group, '' for none. */
  prefix: string
  /** Folder on this machine. */
  folder: string
  settleMs: number
}

type Published = UploadResult['files'][number]

/**
 * Publishes a folder's files to a group as they change, each by itself. After the system reports a change, it scans the
 * folder until nothing changes any more, and publishes each file that stayed the same for `settleMs`.
 */
export class FilesWatch {
  readonly #options: FilesWatchOptions
  readonly #folder: string
  readonly #publisher: Publisher
  readonly #files: Published[] = []
  readonly #notices = new Set<string>()
  /** The published state of each path. */
  readonly #published: Scan = new Map()

  constructor(options: FilesWatchOptions) {
    this.#options = options
    this.#folder = resolve(options.folder)
    this.#publisher = new Publisher(options)
  }

  /** Ends when the signal aborts. Throws errors of the folder and refusals of the group. */
  async run(signal: AbortSignal): Promise<Published[]> {
    await this.#remember()
    await onChanges(this.#folder, (stop) => this.#settle(stop), signal)
    return this.#files
  }

  /** The names that would be published now. */
  async plan(): Promise<string[]> {
    await this.#remember()
    const names = await this.#names()
    const { ready } = settled(await stateOf(names.keys()), await stateOf(names.keys()), this.#published)
    return ready.map((path) => names.get(path) as string)
  }

  /** Marks the files that the peer serves unchanged from this folder as published. */
  async #remember(): Promise<void> {
    const { peer, group } = this.#options
    const { seeding } = await peer.status()
    const served = new Map(
      seeding.filter((file) => file.group === group && !file.fault).map((file) => [file.path, file.name]),
    )
    const names = await this.#names()
    for (const [path, state] of await stateOf(names.keys()))
      if (served.get(path) === names.get(path)) this.#published.set(path, state)
  }

  /** Publishes until every file of the folder is published in its current state. */
  async #settle(signal: AbortSignal): Promise<void> {
    const { settleMs } = this.#options
    for (let before: Scan = new Map(); !signal.aborted; ) {
      const names = await this.#names()
      const now = await stateOf(names.keys())
      const { ready, waiting } = settled(before, now, this.#published)
      const files = ready.map((path) => ({ path, name: names.get(path) as string }))
      const waitMs = files.length === 0 ? null : await this.#publish(files, now, signal)
      if (waitMs === null && waiting === 0) return
      before = now
      await delay(Math.max(waitMs ?? 0, settleMs), undefined, { signal }).catch(() => {})
    }
  }

  /** The folder's files by path, with their names in the group. Reports once what is left out. */
  async #names(): Promise<Map<string, string>> {
    const { prefix, tell } = this.#options
    const { files, notices } = await filesBelow(this.#folder, prefix)
    const { clear, error } = clearOfCollisions(files, this.#folder)
    const told = error ? [...notices, `not published: ${error.message}`] : notices
    for (const notice of told) {
      if (!this.#notices.has(notice)) tell(notice)
      this.#notices.add(notice)
    }
    return new Map(clear.map(({ path, name }) => [path, name]))
  }

  /** Publishes the files. Returns null, or the milliseconds until the next attempt after an error that may pass. */
  async #publish(
    files: { path: string; name: string }[],
    states: Scan,
    signal: AbortSignal,
  ): Promise<number | null> {
    const { group, tell } = this.#options
    const attempt = await this.#publisher.publish({ group, files }, signal)
    if (attempt === 'refused') return null
    if ('retryMs' in attempt) return attempt.retryMs
    this.#files.push(...attempt.published.files)
    for (const { path } of files) this.#published.set(path, states.get(path) as string)
    for (const { name, version } of attempt.published.files)
      tell(`published ${group}:${name}, version ${version}`)
    return null
  }
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
