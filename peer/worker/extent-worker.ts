import { type FileHandle, open } from 'node:fs/promises'
import { type Job, Worker } from 'bullmq'
import { chunkLength } from '../../protocol/chunking.ts'
import { storageError } from '../../protocol/errors.ts'
import { connectRedis } from '../../redis/connect.ts'
import { queuePrefix } from '../download/queue/download-queue.ts'
import { type ExtentOutcome, failureAt, fetchFailure } from '../download/queue/extent-outcome.ts'
import {
  EXTENT_LOCK_MS,
  EXTENT_QUEUE,
  type ExtentJob,
  PRESENCE_MS,
  workersKey,
} from '../download/queue/extent-queue.ts'
import type { FetchPool } from '../fetch/pool.ts'

const EXTENTS_AT_ONCE = 16

/** A process that works off the extents of another's downloads: it shares their queue and their folder. */
export class ExtentWorker {
  readonly #pool: FetchPool
  readonly #redis: ReturnType<typeof connectRedis>
  readonly #worker: Worker<ExtentJob, ExtentOutcome>
  readonly #presence: string
  #saying: NodeJS.Timeout | undefined
  extents = 0
  bytes = 0

  /** `peer` is the id of the peer whose queue on the Redis at `url` it is. */
  constructor(url: string, peer: string, pool: FetchPool) {
    this.#pool = pool
    this.#redis = connectRedis(url, 'queue')
    this.#worker = new Worker(EXTENT_QUEUE, (job) => this.#work(job), {
      connection: this.#redis,
      prefix: queuePrefix(peer),
      concurrency: EXTENTS_AT_ONCE,
      lockDuration: EXTENT_LOCK_MS,
      autorun: false,
    })
    this.#presence = workersKey(queuePrefix(peer))
    this.#worker.on('error', () => {})
  }

  /** Takes part; resolves when the queue is reached, and the peer can see it. */
  async start(): Promise<void> {
    await this.#worker.waitUntilReady()
    await this.#say()
    this.#saying = setInterval(() => this.#say().catch(() => {}), PRESENCE_MS)
    this.#worker.run().catch(() => {})
  }

  async #say(): Promise<void> {
    await this.#redis.set(this.#presence, '1', 'PX', 3 * PRESENCE_MS)
  }

  /** Finishes what is under way. */
  async close(): Promise<void> {
    clearInterval(this.#saying)
    await this.#worker.close()
    this.#redis.disconnect()
    await this.#pool.close()
  }

  /** Fetches, verifies, writes and syncs: a chunk is reported only when it is safely in the file. */
  async #work({ data: { extent, work } }: Job<ExtentJob>): Promise<ExtentOutcome> {
    const { path, fileId, size, target, grant } = work
    let file: FileHandle
    try {
      file = await open(path, 'r+')
    } catch (error) {
      return { chunks: [], error: failureAt('write', storageError(error, path)) }
    }
    const chunks: number[] = []
    try {
      // Not a slice of Node's pool of small buffers: a message to a thread would take all of that.
      const hashes = new Uint8Array(Buffer.from(work.hashes, 'base64'))
      const request = { fileId, size, target, grant, ...extent, fd: file.fd, path, hashes, isShared: true }
      const failure = await this.#pool
        .fetch(request, (chunk) => chunks.push(chunk), new AbortController().signal)
        .then(() => null, fetchFailure)
      await file.datasync()
      for (const chunk of chunks) this.bytes += chunkLength(size, chunk)
      return { chunks, error: failure }
    } catch (error) {
      return { chunks: [], error: failureAt('sync', storageError(error, path)) }
    } finally {
      // What the sync confirmed is safe whatever this says.
      await file.close().catch(() => {})
      this.extents++
    }
  }
}
