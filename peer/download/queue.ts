import { DelayedError, type Job, Queue, type QueueOptions, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { connectRedis } from '../../redis/connect.ts'
import type { DownloadJob } from './download.ts'
import type { Assignment } from './swarm.ts'

/** The braces keep all keys of the queues in one slot of a Redis Cluster. */
const PREFIX = '{shoal}'
/** Downloads that run at once; more wait in the queue. */
const DOWNLOADS_AT_ONCE = 16
const EXTENTS_AT_ONCE = 64
const LOCK_MS = 30_000
const STALLED_CHECK_MS = 1000

export interface ExtentJob {
  download: string
  assignment: Assignment
}

export interface QueuedDownload {
  /** The job's own id: each request of a download is a job of its own. */
  run: string
  /** The process that queued it. */
  epoch: string
  job: DownloadJob
}

export interface QueueHandlers {
  /** Runs a download to its end; 'parked' when the peer stops first and the job is to wait for its next start. */
  download(queued: QueuedDownload): Promise<'done' | 'parked'>
  extent(job: ExtentJob): Promise<void>
}

/**
 * The two BullMQ queues of a peer: one durable job a download, and a bounded window of extents. The part file
 * is the truth and these are only a schedule: extents left by a process that died are dropped, downloads left
 * by it run again.
 */
export class DownloadQueue {
  readonly #redis: Redis
  readonly #downloads: Queue<QueuedDownload>
  readonly #extents: Queue<ExtentJob>
  readonly #workers: Worker[]

  private constructor(redis: Redis, handlers: QueueHandlers) {
    this.#redis = redis
    const options: QueueOptions = { connection: redis, prefix: PREFIX }
    this.#downloads = new Queue('downloads', options)
    this.#extents = new Queue('chunks', options)
    const worker = { ...options, lockDuration: LOCK_MS, stalledInterval: STALLED_CHECK_MS, autorun: false }
    this.#workers = [
      new Worker<QueuedDownload>('downloads', (job, token) => runDownload(job, token, handlers), {
        ...worker,
        concurrency: DOWNLOADS_AT_ONCE,
        // A peer may be killed any number of times: its downloads go on all the same.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
      }),
      new Worker<ExtentJob>('chunks', (job) => handlers.extent(job.data), {
        ...worker,
        concurrency: EXTENTS_AT_ONCE,
      }),
    ]
    // BullMQ reports a lost connection here and reconnects; without a listener it would end the process.
    for (const queue of [this.#downloads, this.#extents]) queue.on('error', () => {})
    for (const each of this.#workers) each.on('error', () => {})
  }

  /** Opens the queues on the Redis at `url` and goes on with the downloads that an earlier run left. */
  static async open(url: string, handlers: QueueHandlers): Promise<DownloadQueue> {
    const queue = new DownloadQueue(connectRedis(url, 'queue'), handlers)
    await queue.#extents.obliterate({ force: true })
    await queue.#freeOrphans()
    for (const worker of queue.#workers) worker.run().catch(() => {})
    return queue
  }

  async add(queued: QueuedDownload): Promise<void> {
    const options = { jobId: queued.run, removeOnComplete: true, removeOnFail: true }
    await this.#downloads.add('download', queued, options)
  }

  /** Takes a download that has not begun off the queue. */
  async remove(run: string): Promise<void> {
    await this.#downloads.remove(run)
  }

  async addExtent(job: ExtentJob): Promise<void> {
    await this.#extents.add('extent', job, { removeOnComplete: true, removeOnFail: true })
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()))
    await Promise.all([this.#downloads.close(), this.#extents.close()])
    this.#redis.disconnect()
  }

  /**
   * One home has one peer, so a job that is active now belongs to one that died. Without its lock BullMQ's
   * check for stalled jobs takes it up within two seconds instead of after the lock's time.
   */
  async #freeOrphans(): Promise<void> {
    const orphans = await this.#downloads.getActive()
    const locks = orphans.map(({ id }) => `${this.#downloads.toKey(id!)}:lock`)
    if (locks.length > 0) await this.#redis.del(...locks)
  }
}

async function runDownload(
  job: Job<QueuedDownload>,
  token: string | undefined,
  handlers: QueueHandlers,
): Promise<void> {
  const outcome = await handlers.download(job.data).catch((error: Error) => {
    // Retries are the swarm's own, with other peers; what reaches the job is final.
    throw new UnrecoverableError(error.message)
  })
  if (outcome === 'done') return
  await job.moveToDelayed(Date.now(), token)
  throw new DelayedError()
}
