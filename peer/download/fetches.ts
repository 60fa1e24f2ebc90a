import { CHUNK_SIZE, type Extent, HASH_SIZE } from '../../protocol/chunking.ts'
import { isErrorCode, ShoalError } from '../../protocol/errors.ts'
import type { FetchPool } from '../fetch/pool.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import type { PartFile } from './disk/part-file.ts'
import type { ExtentFailure, ExtentOutcome, ExtentQueue, ExtentWork } from './queue/extent-queue.ts'
import type { Assignment, Swarm } from './swarm/swarm.ts'

export interface FetchesOptions {
  download: { id: string; fileId: string; size: number }
  pool: FetchPool
  queue: ExtentQueue
  limit: ByteLimit
  part: PartFile
  /** Packed hashes of the whole file. */
  hashes: Uint8Array
  /** The grant of now. */
  grant(): string
  /** A chunk from the peer was verified and written. */
  onReceived(peer: string, chunk: number): void
  /** A chunk from the peer did not match its hash. */
  onMismatch(): void
  /** The part file, which knows it already, cannot be written or synced: the download ends. No peer is blamed. */
  onFatal(error: Error): void
}

/**
 * The extents of one download on their way: put on the queue as the swarm assigns them, worked off here or in
 * another process, and their ends told to the swarm. The part file may be closed when all have ended.
 */
export class Fetches {
  readonly #options: FetchesOptions
  readonly #swarm: () => Swarm
  readonly #underway = new Set<Promise<void>>()
  readonly #stop = new AbortController()

  /** `swarm` assigns what is fetched here, and so is made after this. */
  constructor(options: FetchesOptions, swarm: () => Swarm) {
    this.#options = options
    this.#swarm = swarm
  }

  /** Puts an extent on the queue, once the download's rate allows it. */
  assign(assignment: Assignment): void {
    const { queue, download, limit } = this.#options
    limit
      .take(assignment.extent.count * CHUNK_SIZE, this.#stop.signal)
      .then(async () => {
        const work = this.#work(assignment)
        if (work) await queue.add({ download: download.id, assignment, work })
      })
      .catch((error: Error) => this.#failed(assignment, error))
  }

  /** Works off one extent of the queue. Never rejects: failures go to the swarm, fatal ones end the download. */
  async fetch(assignment: Assignment): Promise<void> {
    const { pool, part, onReceived } = this.#options
    const { peer, extent } = assignment
    const work = this.#work(assignment)
    if (!work || this.#stop.signal.aborted) return
    const { fileId, size, target, grant } = work
    const request = {
      fileId,
      size,
      target,
      grant,
      ...extent,
      fd: part.fd,
      path: part.path,
      hashes: this.#hashesOf(extent),
    }
    try {
      const fetch = pool.fetch(request, (chunk) => onReceived(peer, chunk), this.#stop.signal)
      this.#underway.add(fetch)
      await fetch.finally(() => this.#underway.delete(fetch))
      this.#swarm().fetched(assignment)
    } catch (error) {
      const isCut = !(error instanceof ShoalError) && grant !== this.#options.grant()
      this.#failed(assignment, isCut ? ranOut(error as Error) : (error as Error))
    }
  }

  /** A worker in another process has worked off the extent. */
  fetchedElsewhere(assignment: Assignment, { chunks, error }: ExtentOutcome): void {
    if (error && error.at !== 'peer') this.#storageFailed(error.at, revive(error))
    if (this.#stop.signal.aborted) return
    for (const chunk of chunks) this.#options.onReceived(assignment.peer, chunk)
    if (error === null) this.#swarm().fetched(assignment)
    else if (error.at === 'peer') this.#failed(assignment, revive(error))
  }

  /** Resolves when nobody writes to the part file any more, here or in another process. */
  async end(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#underway)
    // A queue that is away cannot say; what it gives out later finds the download gone.
    await this.#options.queue.settle(this.#options.download.id).catch(() => {})
  }

  #failed(assignment: Assignment, error: Error): void {
    const isStorage = error instanceof ShoalError && error.kind === 'storage'
    if (isStorage) this.#storageFailed('write', error)
    if (isStorage || this.#stop.signal.aborted) return
    if (error instanceof ShoalError && error.code === 'HASH_MISMATCH') this.#options.onMismatch()
    this.#swarm().failed(assignment, error)
  }

  /** The part file hears of it also while this ends, when it may be about to get its name. */
  #storageFailed(at: 'write' | 'sync', error: Error): void {
    this.#options.part.fail(at, error)
    if (!this.#stop.signal.aborted) this.#options.onFatal(error)
  }

  /** What the extent takes; null when its peer has gone. */
  #work({ peer, extent }: Assignment): ExtentWork | null {
    const target = this.#swarm().address(peer)
    if (!target) return null
    const { part, grant, download } = this.#options
    const hashes = Buffer.from(this.#hashesOf(extent)).toString('base64')
    return { path: part.path, fileId: download.fileId, size: download.size, target, grant: grant(), hashes }
  }

  /** A copy with memory of its own: of a view, a message to a thread would take all that it is a view of. */
  #hashesOf({ first, count }: Extent): Uint8Array {
    return new Uint8Array(this.#options.hashes.subarray(first * HASH_SIZE, (first + count) * HASH_SIZE))
  }
}

function revive({ code, message, hint }: ExtentFailure): Error {
  return isErrorCode(code) ? new ShoalError(code, message, { hint }) : new Error(message)
}

/** A peer cuts an answer that outlives its grant. A connection that breaks after the grant's renewal is taken for that. */
function ranOut({ message }: Error): ShoalError {
  return new ShoalError('GRANT_INVALID', `the grant ran out while the peer answered: ${message}`)
}
