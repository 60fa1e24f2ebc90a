import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Job, Queue, QueueEvents, type QueueOptions } from 'bullmq'
import type { Extent } from '../../../protocol/chunking.ts'
import type { PeerAddress } from '../../../protocol/records.ts'
import { connectRedis, type RedisClient } from '../../../redis/connect.ts'
import type { WritePart } from '../../tree/write-tree.ts'
import { type ExtentOutcome, failedOutcome } from './extent-outcome.ts'
import { LocalWorker } from './local-worker.ts'

export const EXTENT_QUEUE = 'chunks'
const EXTENTS_AT_ONCE = 64
/** A dead worker blocks its extents for this long. Meanwhile the swarm asks other peers for late chunks. */
export const EXTENT_LOCK_MS = 10_000
const STALLED_CHECK_MS = 1000
/** How often to check for workers in other processes while extents are under way. */
const WORKER_CHECK_MS = 1000
/** A worker in another process renews its key this often; the key lives three times as long. */
export const PRESENCE_MS = 1000

/** This key exists while a worker in another process takes part. */
export const workersKey = (prefix: string): string => `${prefix}:${EXTENT_QUEUE}:workers`

/** Everything that a worker in another process needs to fetch and write an extent. */
export interface ExtentWork {
  /** Path of the part file. */
  path: string
  fileId: string
  size: number
  target: PeerAddress
  grant: string
  /** Packed hashes of the extent's chunks, base64. */
  hashes: string
  /** Of a snapshot: `path` is its working folder, and this says where the bytes of each chunk belong. */
  tree?: { root: string; chunks: WritePart[][] }
}

export interface ExtentJob {
  download: string
  extent: Extent
  work: ExtentWork
}

interface PendingExtent {
  download: string
  /** Fetches it in this process. */
  fetch(): Promise<ExtentOutcome>
  /** Set while this process works on it. The queue hands out a job again if this process sleeps too long. */
  fetching: Promise<void> | null
  outcome: PromiseWithResolvers<ExtentOutcome | null>
}

/**
 * The queue of extents: a bounded window of every download under way. The peer works on it, and so does every `peer
 * worker` on the same queue, whose outcomes come back as queue events. The peer follows those events only once another
 * process takes part, because they cost as much as the rest of the queue.
 */
export class ExtentQueue {
  readonly #queue: Queue<ExtentJob, ExtentOutcome | null>
  readonly #worker: LocalWorker<ExtentJob>
  readonly #redis: RedisClient
  readonly #url: string
  readonly #options: QueueOptions
  /** The queue's events, on a connection of their own; null until another process takes part. */
  #listening: { events: QueueEvents; redis: RedisClient } | null = null
  #checkTimer: NodeJS.Timeout | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  readonly #pending = new Map<string, PendingExtent>()
  readonly #epoch = Date.now().toString(36)
  #count = 0

  /** `options` with a connection to the Redis at `url`. */
  constructor(url: string, options: QueueOptions & { connection: RedisClient }) {
    this.#redis = options.connection
    this.#queue = new Queue(EXTENT_QUEUE, options)
    this.#worker = new LocalWorker(EXTENT_QUEUE, {
      ...options,
      process: (job) => this.#work(job),
      concurrency: EXTENTS_AT_ONCE,
      lockDuration: EXTENT_LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
    })
    this.#url = url
    this.#options = options
    // BullMQ reports a lost connection here and reconnects; without a listener it would end the process.
    this.#queue.on('error', () => {})
  }

  /** Drops the extents of an earlier process, whose downloads choose anew. */
  async start(): Promise<void> {
    await this.#queue.obliterate({ force: true })
    await this.#worker.start()
    this.#checkTimer = setInterval(() => this.#checkForWorkers(), WORKER_CHECK_MS / 2).unref()
  }

  /**
   * Queues an extent and resolves with its outcome, from another process or from `fetch`, which is called if this
   * process takes the extent. Resolves with null if `settle` removes it first. Rejects if it cannot be queued.
   */
  async run(job: ExtentJob, fetch: () => Promise<ExtentOutcome>): Promise<ExtentOutcome | null> {
    const id = `${this.#epoch}-${this.#count++}`
    const outcome = Promise.withResolvers<ExtentOutcome | null>()
    this.#pending.set(id, { download: job.download, fetch, fetching: null, outcome })
    const added = this.#queue.add('extent', job, { jobId: id, removeOnComplete: true, removeOnFail: true })
    this.#worker.added()
    this.#checkForWorkers()
    try {
      await added
    } catch (error) {
      this.#pending.delete(id)
      throw error
    }
    return outcome.promise
  }

  /** Resolves when no extent of the download is queued or under way in any process. */
  async settle(download: string): Promise<void> {
    const left = [...this.#pending].filter(([, pending]) => pending.download === download)
    await Promise.all(
      left.map(async ([id, { fetching, outcome }]) => {
        const removed = await this.#queue.remove(id)
        if (removed === 1) return this.#end(id, null)
        if (!fetching) this.#share()
        await outcome.promise
      }),
    )
  }

  /** The number of extents that wait or are under way. */
  async count(): Promise<number> {
    return (await this.#queue.count()) + (await this.#queue.getActiveCount())
  }

  async close(): Promise<void> {
    clearInterval(this.#checkTimer)
    await this.#worker.close()
    await Promise.all([this.#queue.close(), this.#listening?.events.close()])
    // BullMQ closes only connections that it made itself.
    this.#listening?.redis.disconnect()
  }

  async #work({ id }: Job<ExtentJob>): Promise<void> {
    const pending = this.#pending.get(id!)
    if (!pending) return
    pending.fetching ??= pending.fetch().then(
      (outcome) => this.#end(id!, outcome),
      (error: Error) => this.#end(id!, failedOutcome(error.message)),
    )
    await pending.fetching
    // Lets the swarm queue its next extent first, so that completing this job returns it.
    await nextTurn()
  }

  /** Shares the queue if workers are present. The first extent checks at once: short downloads are shared too. */
  #checkForWorkers(): void {
    const now = performance.now()
    if (this.#listening || this.#pending.size === 0 || now - this.#checkedAt < WORKER_CHECK_MS) return
    this.#checkedAt = now
    this.#redis.exists(workersKey(this.#options.prefix!)).then(
      (count) => count > 0 && this.#share(),
      () => {},
    )
  }

  /** Leaves other processes their share of the extents, and follows their outcomes. */
  #share(): void {
    if (this.#listening) return
    this.#listen()
    this.#worker.share()
  }

  /** Follows the outcomes of other processes, also past ones: Redis keeps the last events. */
  #listen(): void {
    const redis = connectRedis(this.#url, 'queue')
    const options = { ...this.#options, connection: redis, autorun: false, lastEventId: '0-0' }
    const events = new QueueEvents(EXTENT_QUEUE, options)
    this.#listening = { events, redis }
    events.on('completed', ({ jobId, returnvalue }) => {
      const outcome = outcomeOf(returnvalue)
      // This process's own jobs complete with null.
      if (outcome) this.#end(jobId, outcome)
    })
    events.on('failed', ({ jobId, failedReason }) => this.#end(jobId, failedOutcome(failedReason)))
    events.on('error', () => {})
    events.run().catch(() => {})
  }

  #end(id: string, outcome: ExtentOutcome | null): void {
    this.#pending.get(id)?.outcome.resolve(outcome)
    this.#pending.delete(id)
  }
}

/** BullMQ delivers the values of events as objects or as JSON. */
function outcomeOf(value: unknown): ExtentOutcome | null {
  return (typeof value === 'string' ? JSON.parse(value) : value) as ExtentOutcome | null
}
