import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Job, Queue, QueueEvents, type QueueOptions } from 'bullmq'
import type { Extent } from '../../../protocol/chunking.ts'
import type { PeerAddress } from '../../../protocol/records.ts'
import { connectRedis, type RedisClient } from '../../../redis/connect.ts'
import type { ExtentOutcome } from './extent-outcome.ts'
import { LocalWorker } from './local-worker.ts'

export const EXTENT_QUEUE = 'chunks'
const EXTENTS_AT_ONCE = 64
/** A worker that dies holds its extents back for this long; the swarm asks other peers for late ones meanwhile. */
export const EXTENT_LOCK_MS = 10_000
const STALLED_CHECK_MS = 1000
/** While extents are under way, the queue looks this often whether another process takes part. */
const LOOK_MS = 1000
/** A worker in another process renews its key this often; the key lives three times as long. */
export const PRESENCE_MS = 1000

/** This key exists while a worker in another process takes part. */
export const workersKey = (prefix: string): string => `${prefix}:${EXTENT_QUEUE}:workers`

/** All that a worker in another process needs to fetch an extent and to write it in place. */
export interface ExtentWork {
  /** Path of the part file. */
  path: string
  fileId: string
  size: number
  target: PeerAddress
  grant: string
  /** Packed hashes of the extent's chunks, base64. */
  hashes: string
}

export interface ExtentJob {
  download: string
  extent: Extent
  work: ExtentWork
}

/** An extent on the queue, or under way. */
interface PendingExtent {
  download: string
  /** Fetches it in this process. */
  fetch(): Promise<ExtentOutcome>
  /** Set when this process works on it. The queue hands out a job again if this process sleeps too long. */
  fetching: Promise<void> | null
  outcome: PromiseWithResolvers<ExtentOutcome | null>
}

/**
 * The queue of extents: a bounded window of every download under way. The peer works on it itself, and so does every
 * `peer worker` on the same queue; their outcomes come back by the queue's events. The peer follows those events only
 * while another process takes part, since they cost as much as the rest of the queue.
 */
export class ExtentQueue {
  readonly #queue: Queue<ExtentJob, ExtentOutcome | null>
  readonly #worker: LocalWorker<ExtentJob>
  readonly #redis: RedisClient
  readonly #url: string
  readonly #options: QueueOptions
  /** The queue's events, on a connection of their own; null until another process takes part. */
  #listening: { events: QueueEvents; redis: RedisClient } | null = null
  #looking: NodeJS.Timeout | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
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

  /** Drops the extents of an earlier process: its downloads choose anew. */
  async start(): Promise<void> {
    await this.#queue.obliterate({ force: true })
    await this.#worker.start()
    this.#looking = setInterval(() => this.#look(), LOOK_MS / 2).unref()
  }

  /**
   * Queues an extent, and resolves with its outcome: that of `fetch`, which is called when this process takes the
   * extent, or that of another process. Resolves with null if `settle` takes the extent off the queue. Rejects if it
   * cannot be queued.
   */
  async run(job: ExtentJob, fetch: () => Promise<ExtentOutcome>): Promise<ExtentOutcome | null> {
    const id = `${this.#epoch}-${this.#count++}`
    const outcome = Promise.withResolvers<ExtentOutcome | null>()
    this.#pending.set(id, { download: job.download, fetch, fetching: null, outcome })
    const added = this.#queue.add('extent', job, { jobId: id, removeOnComplete: true, removeOnFail: true })
    this.#worker.added()
    this.#look()
    try {
      await added
    } catch (error) {
      this.#pending.delete(id)
      throw error
    }
    return outcome.promise
  }

  /** Resolves when no extent of the download is on the queue or under way, here or elsewhere. */
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

  /** Extents that wait or are under way. */
  async count(): Promise<number> {
    return (await this.#queue.count()) + (await this.#queue.getActiveCount())
  }

  async close(): Promise<void> {
    clearInterval(this.#looking)
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
      (error: Error) =>
        this.#end(id!, { chunks: [], error: { code: 'ERROR', message: error.message, at: 'peer' } }),
    )
    await pending.fetching
    // By then the swarm's next extent is on its way to the queue, and comes with the answer to this job's end.
    await nextTurn()
  }

  /** Looks at once for the first extent, so that a short download is shared too. */
  #look(): void {
    const now = performance.now()
    if (this.#listening || this.#pending.size === 0 || now - this.#lookedAt < LOOK_MS) return
    this.#lookedAt = now
    this.#redis.exists(workersKey(this.#options.prefix!)).then(
      (count) => count > 0 && this.#share(),
      () => {},
    )
  }

  /** From now on each process waits for its share of the extents, and this one hears the outcomes of the others. */
  #share(): void {
    if (this.#listening) return
    this.#listen()
    this.#worker.share()
  }

  /** Hears what other processes have done and will do: Redis keeps the last events. */
  #listen(): void {
    const redis = connectRedis(this.#url, 'queue')
    const options = { ...this.#options, connection: redis, autorun: false, lastEventId: '0-0' }
    const events = new QueueEvents(EXTENT_QUEUE, options)
    this.#listening = { events, redis }
    events.on('completed', ({ jobId, returnvalue }) => {
      const outcome = outcomeOf(returnvalue)
      // Jobs of this process complete without one.
      if (outcome) this.#end(jobId, outcome)
    })
    events.on('failed', ({ jobId, failedReason }) =>
      this.#end(jobId, { chunks: [], error: { code: 'ERROR', message: failedReason, at: 'peer' } }),
    )
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
