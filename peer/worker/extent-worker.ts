import { type FileHandle, open } from 'node:fs/promises'
import { type Job, Worker } from 'bullmq'
import type { Background } from '../../packed/background.ts'
import { chunkLength } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { connectRedis } from '../../redis/connect.ts'
import { RunJournal } from '../download/disk/run-journal.ts'
import { queuePrefix } from '../download/queue/download-queue.ts'
import { type ExtentOutcome, failureAt, fetchFailure } from '../download/queue/extent-outcome.ts'
import {
  EXTENT_LOCK_MS,
  EXTENT_QUEUE,
  type ExtentJob,
  type ExtentWork,
  PRESENCE_MS,
  workersKey,
} from '../download/queue/extent-queue.ts'
import type { FetchPool } from '../fetch/pool.ts'
import { syncFileSystem } from '../tree/sync-file-system.ts'

const EXTENTS_AT_ONCE = 16

/** Fetches extents for the downloads of a peer in another process, which shares its queue and folder with this one. */
export class ExtentWorker {
  readonly #pool: FetchPool
  readonly #redis: ReturnType<typeof connectRedis>
  readonly #worker: Worker<ExtentJob, ExtentOutcome>
  readonly #presenceKey: string
  readonly #presenceFailed: (error: unknown) => void
  readonly #queueFailed: (error: unknown) => void
  #isClosing = false
  #heartbeat: NodeJS.Timeout | undefined
  extents = 0
  bytes = 0

  /** Works on the queue of the peer with this id, on the Redis at `url`. */
  constructor(url: string, peer: string, pool: FetchPool, background: Background) {
    this.#pool = pool
    this.#redis = connectRedis(url, 'queue')
    this.#worker = new Worker(EXTENT_QUEUE, (job) => this.#work(job), {
      connection: this.#redis,
      prefix: queuePrefix(peer),
      concurrency: EXTENTS_AT_ONCE,
      lockDuration: EXTENT_LOCK_MS,
      autorun: false,
    })
    this.#presenceKey = workersKey(queuePrefix(peer))
    const owner = (kind: string, meaning: string) => background.owner(kind, meaning, () => this.#isClosing)
    this.#presenceFailed = owner('renewing its presence', 'the peer may leave it nothing to fetch')
    this.#queueFailed = owner('working on the queue', 'it fetches less, or nothing')
    this.#worker.on('error', this.#queueFailed)
  }

  /** Takes part in the queue. Resolves once the peer can see it. */
  async start(): Promise<void> {
    await this.#worker.waitUntilReady()
    await this.#announce()
    this.#heartbeat = setInterval(() => this.#announce().catch(this.#presenceFailed), PRESENCE_MS)
    this.#worker.run().catch(this.#queueFailed)
  }

  async #announce(): Promise<void> {
    await this.#redis.set(this.#presenceKey, '1', 'PX', 3 * PRESENCE_MS)
  }

  /** Finishes the extents under way. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#heartbeat)
    await this.#worker.close()
    this.#redis.disconnect()
    await this.#pool.close()
  }

  /** Fetches, verifies, writes and syncs an extent, and only then reports its chunks. */
  async #work({ data: { extent, work } }: Job<ExtentJob>): Promise<ExtentOutcome> {
    const { path, fileId, size, target, grant, tree } = work
    let file: FileHandle | null
    try {
      file = await openPart(work)
    } catch (error) {
      return { chunks: [], error: failureAt('write', storageError(error, path)) }
    }
    const chunks: number[] = []
    try {
      // A copy, not a slice of Node's buffer pool: a message to a thread would send the whole pool.
      const hashes = new Uint8Array(Buffer.from(work.hashes, 'base64'))
      const place = file ? { fd: file.fd } : { tree: tree! }
      const request = { fileId, size, target, grant, ...extent, ...place, path, hashes }
      const failure = await this.#pool
        .fetch(request, (chunk) => chunks.push(chunk), new AbortController().signal)
        .then(() => null, fetchFailure)
      await (file ? file.datasync() : syncFileSystem(path))
      for (const chunk of chunks) this.bytes += chunkLength(size, chunk)
      return { chunks, error: failure }
    } catch (error) {
      return { chunks: [], error: failureAt('sync', storageError(error, path)) }
    } finally {
      // The data is synced already, so a failed close loses nothing.
      await file?.close().catch(() => {})
      this.extents++
    }
  }
}

/** Opens the part file; null for a working folder. This process may have slept since it took the job, and another content may have the path now. */
async function openPart({ path, fileId, size, tree }: ExtentWork): Promise<FileHandle | null> {
  const file = tree ? null : await open(path, 'r+')
  if (await RunJournal.isFor(path, fileId, size)) return file
  await file?.close()
  throw new ShoalError('FILE_CHANGED', `${path} is for another content now: nothing is written to it`)
}
