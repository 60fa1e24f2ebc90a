import { CHUNK_SIZE, type Extent, HASH_SIZE } from '../../protocol/chunking.ts'
import { isErrorCode, reviveError, ShoalError } from '../../protocol/errors.ts'
import type { PeerAddress } from '../../protocol/records.ts'
import type { FetchPool } from '../fetch/pool.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import type { PartFile } from './disk/part-file.ts'
import type { Place } from './disk/storage.ts'
import { type ExtentFailure, type ExtentOutcome, fetchFailure } from './queue/extent-outcome.ts'
import type { ExtentQueue, ExtentWork } from './queue/extent-queue.ts'
import type { Assignment } from './swarm/swarm.ts'

export interface ExtentFetcherOptions {
  download: { id: string; fileId: string; size: number }
  pool: FetchPool
  queue: ExtentQueue
  limit: ByteLimit
  part: PartFile
  /** Packed hashes of the whole file. */
  hashes: Uint8Array
  grant(): string
  onMismatch(): void
  /** Called when the part file cannot be written or synced: the download ends, and no peer is blamed. */
  onFatal(error: Error): void
}

/**
 * Fetches the extents of one download: queues each extent that the swarm assigns, which this process or another one
 * then fetches, and returns the outcome. The part file may be closed after `end`.
 */
export class ExtentFetcher {
  readonly #options: ExtentFetcherOptions
  readonly #underway = new Set<Promise<ExtentOutcome>>()
  readonly #stop = new AbortController()

  constructor(options: ExtentFetcherOptions) {
    this.#options = options
  }

  /**
   * Fetches an extent as soon as the rate limit allows. Calls `onChunk` for each chunk that is verified and written.
   * Resolves with true if all of them are, or false if the extent was dropped without a fault of the peer: the peer
   * left, the download ends, or its storage failed. Rejects with the peer's failure.
   */
  async fetch({ target, extent, left }: Assignment, onChunk: (chunk: number) => void): Promise<boolean> {
    const { queue, download, limit, part } = this.#options
    const stop = this.#stop.signal
    await limit.take(extent.count * CHUNK_SIZE, stop).catch(() => {})
    if (stop.aborted || left.aborted) return false
    const place = part.place(extent)
    const hashes = this.#hashesOf(extent)
    const work = this.#work(target, place, hashes)
    const outcome = await queue.run({ download: download.id, extent, work }, () =>
      this.#fetchHere({ target, ...extent, ...place, hashes }, onChunk),
    )
    const error = outcome?.error ?? null
    if (error && error.at !== 'peer') this.#storageFailed(error.at, reviveError(error))
    if (outcome === null || stop.aborted || (error && error.at !== 'peer')) return false
    for (const chunk of outcome.chunks) onChunk(chunk)
    if (error === null) return true
    if (error.code === 'HASH_MISMATCH') this.#options.onMismatch()
    throw this.#peerError(error, work.grant)
  }

  /** Resolves when no process writes to the part file any more. */
  async end(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#underway)
    // If the queue is unreachable, a worker that gets an extent later finds that the file is gone.
    await this.#options.queue.settle(this.#options.download.id).catch(() => {})
  }

  /** Never rejects. */
  async #fetchHere(
    request: { target: PeerAddress; hashes: Uint8Array } & Extent & Place,
    onChunk: (chunk: number) => void,
  ): Promise<ExtentOutcome> {
    const { pool, download, grant } = this.#options
    const { fileId, size } = download
    const fetch = pool.fetch({ ...request, fileId, size, grant: grant() }, onChunk, this.#stop.signal).then(
      () => ({ chunks: [], error: null }),
      (error: Error) => ({ chunks: [], error: fetchFailure(error) }),
    )
    this.#underway.add(fetch)
    return fetch.finally(() => this.#underway.delete(fetch))
  }

  /** Reports the failure to the part file, even while the download ends and the file may be about to get its name. */
  #storageFailed(at: 'write' | 'sync', error: Error): void {
    this.#options.part.fail(at, error)
    if (!this.#stop.signal.aborted) this.#options.onFatal(error)
  }

  #work(target: PeerAddress, place: Place, hashes: Uint8Array): ExtentWork {
    const { grant, download } = this.#options
    return {
      path: place.path,
      fileId: download.fileId,
      size: download.size,
      target,
      grant: grant(),
      hashes: Buffer.from(hashes).toString('base64'),
      ...('tree' in place ? { tree: place.tree } : {}),
    }
  }

  /** Peers cut answers that outlive their grant. A connection that breaks after the grant's renewal counts as cut. */
  #peerError(failure: ExtentFailure, grant: string): Error {
    if (isErrorCode(failure.code) || grant === this.#options.grant()) return reviveError(failure)
    return new ShoalError('GRANT_INVALID', `the grant ended while the peer answered: ${failure.message}`)
  }

  /** A copy, not a view: a message to a thread would send the view's whole buffer. */
  #hashesOf({ first, count }: Extent): Uint8Array {
    return new Uint8Array(this.#options.hashes.subarray(first * HASH_SIZE, (first + count) * HASH_SIZE))
  }
}
