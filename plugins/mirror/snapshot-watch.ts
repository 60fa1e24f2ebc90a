import { setTimeout as delay } from 'node:timers/promises'
import type { SnapshotRequest, TreePool, UploadResult } from '@shoal/plugin'
import { onChanges, requireFolder } from './changes.ts'
import { Publisher, type PublisherOptions } from './publisher.ts'
import { publishedLine } from './render.ts'

export interface SnapshotWatchOptions extends PublisherOptions {
  group: string
  /** With the folder's absolute path. */
  snapshot: SnapshotRequest
  /** Reads the folder. */
  pool: TreePool
  /** How long the folder must stay unchanged before it is published, in milliseconds. */
  settleMs: number
}

/** Publishes a folder as one snapshot, and again whenever it changed and has then been quiet for `settleMs`. */
export class SnapshotWatch {
  readonly #options: SnapshotWatchOptions
  readonly #publisher: Publisher
  readonly #files: UploadResult['files'] = []
  /** The state of the folder that was published, or refused. */
  #handled: string | null = null

  constructor(options: SnapshotWatchOptions) {
    this.#options = options
    this.#publisher = new Publisher(options)
  }

  /** Ends when the signal aborts. Throws errors of the folder and refusals of the group. */
  async run(signal: AbortSignal): Promise<UploadResult['files']> {
    await onChanges(this.#options.snapshot.path, (stop) => this.#settle(stop), signal)
    return this.#files
  }

  /** The snapshot that would be published now. */
  async plan(signal: AbortSignal): Promise<UploadResult['files']> {
    const { peer, progress, group, snapshot } = this.#options
    await requireFolder(snapshot.path)
    const { files } = await peer.upload(
      { group, files: [], folders: [snapshot], dryRun: true },
      progress,
      signal,
    )
    return files
  }

  /** Waits until the folder is quiet, and publishes it unless that state was handled already. */
  async #settle(signal: AbortSignal): Promise<void> {
    const { settleMs } = this.#options
    for (let before: string | null = null; !signal.aborted; ) {
      const now = await this.#look(signal)
      if (now === null || now === this.#handled) return
      const isQuiet = now === before
      before = now
      const waitMs = isQuiet ? await this.#publish(now, signal) : settleMs
      if (waitMs !== null) await delay(Math.max(waitMs, settleMs), undefined, { signal }).catch(() => {})
    }
  }

  /** The folder's state; null if it holds nothing to publish, or the signal aborted. */
  async #look(signal: AbortSignal): Promise<string | null> {
    const { pool, snapshot, tell } = this.#options
    const { path, exclude, include } = snapshot
    await requireFolder(path)
    try {
      const { entries, digest } = await pool.fingerprint({ root: path, exclude, include }, signal)
      if (entries > 0) return digest
      if (digest !== this.#handled) tell(`${path} is empty, or all of it is excluded: nothing is published`)
      this.#handled = digest
      return null
    } catch (error) {
      if (signal.aborted) return null
      throw error
    }
  }

  /** Publishes the state. Returns the milliseconds until the next look, null if the state is handled. */
  async #publish(state: string, signal: AbortSignal): Promise<number | null> {
    const { group, snapshot, tell } = this.#options
    const attempt = await this.#publisher.publish({ group, files: [], folders: [snapshot] }, signal)
    if (attempt !== 'refused' && 'retryMs' in attempt) return attempt.retryMs
    const isFirst = this.#handled === null
    this.#handled = state
    if (attempt === 'refused') return null
    for (const file of attempt.published.files) {
      if (!file.isUnchanged) this.#files.push(file)
      if (!file.isUnchanged || isFirst) tell(publishedLine(group, file))
    }
    return null
  }
}
