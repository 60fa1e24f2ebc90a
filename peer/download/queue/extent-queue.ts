import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Job, Queue, QueueEvents, type QueueOptions } from 'bullmq'
import type { PeerAddress } from '../../../protocol/records.ts'
import { connectRedis, type RedisClient } from '../../../redis/connect.ts'
import type { Assignment } from '../swarm/swarm.ts'
import { OwnWorker } from './own-worker.ts'

export const EXTENT_QUEUE = 'chunks'
const EXTENTS_AT_ONCE = 64
/** A worker that dies holds its extents back for this long; what is late is asked of others meanwhile. */
export const EXTENT_LOCK_MS = 10_000
const STALLED_CHECK_MS = 1000
/** Between looks at what is under way: whether another process takes part, and whether something was left lying. */
const LOOK_MS = 1000
/** A worker in another process says so often that it takes part, and is believed for three times as long. */
export const PRESENCE_MS = 1000

/** The key that is there while a worker in another process takes part. Job ids, beside it, are another shape. */
export const presenceKey = (prefix: string): string => `${prefix}:${EXTENT_QUEUE}:workers`

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
  assignment: Assignment
  work: ExtentWork
}

/** How an extent went that another process fetched: the chunks that are safely in the part file, and the error. */
export interface ExtentOutcome {
  chunks: number[]
  error: ExtentFailure | null
}

export interface ExtentFailure {
  code: string
  message: string
  hint?: string | undefined
  /** Whose it is: the remote peer's; or the worker's own storage, where a write or the sync failed. */
  at: 'peer' | 'write' | 'sync'
}

export interface ExtentHandlers {
  /** Fetches an extent in this process. */
  fetch(job: ExtentJob): Promise<void>
  /** Another process fetched it. */
  fetchedElsewhere(job: ExtentJob, outcome: ExtentOutcome): void
}

/** Extents that were handed to the queue and have not ended. */
interface Given {
  job: ExtentJob
  addedAt: number
  /** This process works it off. */
  begun: boolean
  ended: Promise<void>
  end(): void
}

/**
 * The queue of extents: a bounded window of every download under way. The peer works it off itself, and so
 * does every `peer worker` on the same queue; those report back through the queue's events. While there is none the
 * peer takes what it added, without waiting to be told of it, and listens to no events: either would cost as
 * much as all the rest of the queue.
 */
export class ExtentQueue {
  readonly #queue: Queue<ExtentJob, ExtentOutcome | null>
  readonly #worker: OwnWorker<ExtentJob, ExtentOutcome | null>
  readonly #redis: RedisClient
  readonly #url: string
  readonly #options: QueueOptions
  readonly #handlers: ExtentHandlers
  /** The queue's events, with a connection of their own that waits for them; null until another process takes part. */
  #listening: { events: QueueEvents; redis: RedisClient } | null = null
  #lookingOut: NodeJS.Timeout | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  readonly #given = new Map<string, Given>()
  readonly #epoch = Date.now().toString(36)
  #count = 0

  /** `options` with a connection to the Redis at `url`. */
  constructor(url: string, options: QueueOptions & { connection: RedisClient }, handlers: ExtentHandlers) {
    this.#redis = options.connection
    this.#queue = new Queue(EXTENT_QUEUE, options)
    this.#worker = new OwnWorker(EXTENT_QUEUE, (job) => this.#work(job), {
      ...options,
      concurrency: EXTENTS_AT_ONCE,
      lockDuration: EXTENT_LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
    })
    this.#url = url
    this.#options = options
    this.#handlers = handlers
    // BullMQ reports a lost connection here and reconnects; without a listener it would end the process.
    this.#queue.on('error', () => {})
    this.#worker.on('error', () => {})
  }

  /** Drops what an earlier process left: its downloads choose anew. */
  async start(): Promise<void> {
    await this.#queue.obliterate({ force: true })
    await this.#worker.begin()
  }

  async add(job: ExtentJob): Promise<void> {
    const jobId = `${this.#epoch}-${this.#count++}`
    const { promise, resolve } = Promise.withResolvers<void>()
    const addedAt = performance.now()
    this.#given.set(jobId, { job, addedAt, begun: false, ended: promise, end: resolve })
    this.#lookOut()
    const added = this.#queue.add('extent', job, { jobId, removeOnComplete: true, removeOnFail: true })
    this.#worker.added()
    await added
  }

  /** Resolves when nothing of the download is on the queue or under way in another process. */
  async settle(download: string): Promise<void> {
    const left = [...this.#given].filter(([, { job }]) => job.download === download)
    await Promise.all(
      left.map(async ([id, { begun, ended }]) => {
        const removed = await this.#queue.remove(id)
        if (removed === 1) return this.#end(id)
        if (!begun) this.#share()
        await ended
      }),
    )
  }

  /** Extents that wait or are under way. */
  async count(): Promise<number> {
    return (await this.#queue.count()) + (await this.#queue.getActiveCount())
  }

  async close(): Promise<void> {
    clearTimeout(this.#lookingOut)
    await this.#worker.close()
    await Promise.all([this.#queue.close(), this.#listening?.events.close()])
    // BullMQ closes only connections that it made itself.
    this.#listening?.redis.disconnect()
  }

  async #work(job: Job<ExtentJob>): Promise<null> {
    const given = this.#given.get(job.id!)
    if (given) given.begun = true
    await this.#handlers.fetch(job.data)
    this.#end(job.id!)
    // What the swarm asks for next is on its way to the queue by then, and comes with the answer to this job's end.
    await nextTurn()
    return null
  }

  /** While extents are under way, looks at once and then now and then who else takes part. */
  #lookOut(): void {
    if (this.#listening || this.#lookingOut) return
    const wait = Math.max(0, this.#lookedAt + LOOK_MS - performance.now())
    this.#lookingOut = setTimeout(async () => {
      this.#lookedAt = performance.now()
      await this.#look().catch(() => {})
      this.#lookingOut = undefined
      if (this.#given.size > 0) this.#lookOut()
    }, wait).unref()
  }

  async #look(): Promise<void> {
    const isShared = await this.#redis.exists(presenceKey(this.#options.prefix!))
    if (isShared) return this.#share()
    // Those that a worker that died has held back, or a broken connection: BullMQ has put them on the queue again.
    const before = performance.now() - LOOK_MS
    const left = [...this.#given.values()].filter(({ begun, addedAt }) => !begun && addedAt < before)
    this.#worker.left(left.length)
  }

  /** From now on each process waits for its share of the extents, and this one hears how those of the others went. */
  #share(): void {
    if (this.#listening) return
    this.#listen()
    this.#worker.run().catch(() => {})
  }

  /** Hears what other processes have done and will do: Redis keeps the last events. */
  #listen(): void {
    const redis = connectRedis(this.#url, 'queue')
    const options = { ...this.#options, connection: redis, autorun: false, lastEventId: '0-0' }
    const events = new QueueEvents(EXTENT_QUEUE, options)
    this.#listening = { events, redis }
    const ended = (id: string, outcome: ExtentOutcome | null): void => {
      const given = this.#given.get(id)
      if (!given) return
      this.#end(id)
      if (outcome) this.#handlers.fetchedElsewhere(given.job, outcome)
    }
    events.on('completed', ({ jobId, returnvalue }) => ended(jobId, outcomeOf(returnvalue)))
    events.on('failed', ({ jobId, failedReason }) =>
      ended(jobId, { chunks: [], error: { code: 'ERROR', message: failedReason, at: 'peer' } }),
    )
    events.on('error', () => {})
    events.run().catch(() => {})
  }

  #end(id: string): void {
    this.#given.get(id)?.end()
    this.#given.delete(id)
  }
}

/** BullMQ hands events' values on as objects or as JSON. */
function outcomeOf(value: unknown): ExtentOutcome | null {
  return (typeof value === 'string' ? JSON.parse(value) : value) as ExtentOutcome | null
}
