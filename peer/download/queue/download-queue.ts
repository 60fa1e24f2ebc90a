import { DelayedError, type Job, Queue, UnrecoverableError, Worker } from 'bullmq'
import { connectRedis, type RedisClient } from '../../../redis/connect.ts'
import type { DownloadJob } from './download-job.ts'
import { ExtentQueue } from './extent-queue.ts'

/** The folder of the download queue's embedded Redis, in the home. */
export const QUEUE_FOLDER = 'queue'
/** Each peer has its own queues, also on a shared Redis. The braces keep their keys in one slot of a Cluster. */
export const queuePrefix = (peer: string): string => `{shoal:${peer}}`
const DOWNLOADS_AT_ONCE = 16
const LOCK_MS = 30_000
const STALLED_CHECK_MS = 1000

export interface QueuedDownload {
  /** The job's id: each request of a download is its own job. */
  run: string
  /** The process that queued it. */
  epoch: string
  job: DownloadJob
  /** The token that the job's lock was taken with, with which the next process frees it after a crash. */
  lockToken?: string
}

/** Runs a download to its end. Resolves with 'parked' if the peer stops first: the job waits for its next start. */
export type RunDownload = (queued: QueuedDownload) => Promise<'done' | 'parked'>

/**
 * The two BullMQ queues of a peer: one durable job per download, and a bounded window of extents. The part file is the
 * truth, the queues are only a schedule: after a crash, downloads run again and extents are chosen anew.
 */
export class DownloadQueue {
  readonly extents: ExtentQueue
  readonly #redis: RedisClient
  readonly #downloads: Queue<QueuedDownload>
  readonly #worker: Worker<QueuedDownload>

  private constructor(url: string, peer: string, run: RunDownload) {
    this.#redis = connectRedis(url, 'queue')
    const options = { connection: this.#redis, prefix: queuePrefix(peer) }
    this.extents = new ExtentQueue(url, options)
    this.#downloads = new Queue('downloads', options)
    this.#worker = new Worker('downloads', (job, token) => runDownload(job, token, run), {
      ...options,
      concurrency: DOWNLOADS_AT_ONCE,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      // Downloads continue however often their peer is killed.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      autorun: false,
    })
    // BullMQ reports a lost connection here and reconnects; without a listener it would end the process.
    this.#downloads.on('error', () => {})
    this.#worker.on('error', () => {})
  }

  /** Opens the peer's queues on the Redis at `url`, and continues the downloads of an earlier run. */
  static async open(url: string, peer: string, run: RunDownload): Promise<DownloadQueue> {
    const queue = new DownloadQueue(url, peer, run)
    await queue.extents.start()
    await queue.#freeOrphans()
    queue.#worker.run().catch(() => {})
    return queue
  }

  async add(queued: QueuedDownload): Promise<void> {
    const options = { jobId: queued.run, removeOnComplete: true, removeOnFail: true }
    await this.#downloads.add('download', queued, options)
  }

  /** Removes a download that has not begun. */
  async remove(run: string): Promise<void> {
    await this.#downloads.remove(run)
  }

  /** The number of waiting and running jobs. */
  async depth(): Promise<{ downloads: number; chunks: number }> {
    const [downloads, chunks] = await Promise.all([this.#downloads.count(), this.extents.count()])
    return { downloads: downloads + (await this.#downloads.getActiveCount()), chunks }
  }

  async close(): Promise<void> {
    await Promise.all([this.extents.close(), this.#worker.close()])
    await this.#downloads.close()
    this.#redis.disconnect()
  }

  /**
   * Puts active jobs back among the waiting. A home has one peer, so these belong to a peer that died, and BullMQ would
   * pick them up only once their lock has expired (LOCK_MS).
   */
  async #freeOrphans(): Promise<void> {
    const orphans = await this.#downloads.getActive()
    // An error means that the lock has expired: the stalled check picks the job up.
    await Promise.all(orphans.map((job) => job.moveToWait(job.data.lockToken).catch(() => {})))
  }
}

async function runDownload(
  job: Job<QueuedDownload>,
  token: string | undefined,
  run: RunDownload,
): Promise<void> {
  await job.updateData({ ...job.data, lockToken: token })
  const outcome = await run(job.data).catch((error: Error) => {
    // The swarm has retried with other peers, so an error that reaches the job is final.
    throw new UnrecoverableError(error.message)
  })
  if (outcome === 'done') return
  await job.moveToDelayed(Date.now(), token)
  throw new DelayedError()
}
