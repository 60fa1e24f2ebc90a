import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Job, Queue, QueueEvents, type QueueOptions, Worker } from 'bullmq'
import type { PeerAddress } from '../../protocol/records.ts'
import { connectRedis } from '../../redis/connect.ts'
import type { Assignment } from './swarm.ts'

export const EXTENT_QUEUE = 'chunks'
const EXTENTS_AT_ONCE = 64
/** A worker that dies holds its extents back for this long; what is late is asked of others meanwhile. */
export const EXTENT_LOCK_MS = 10_000
const STALLED_CHECK_MS = 1000
/** What was not begun here for so long may have been taken by another process. */
const ELSEWHERE_MS = 200

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
  error: { code: string; message: string } | null
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
 * does every `peer worker` on the same queue; those report back through the queue's events. While there is none
 * nobody listens to these: they would cost as much as all the rest of the queue.
 */
export class ExtentQueue {
  readonly #queue: Queue<ExtentJob, ExtentOutcome | null>
  readonly #worker: Worker<ExtentJob, ExtentOutcome | null>
  readonly #url: string
  readonly #options: QueueOptions
  readonly #handlers: ExtentHandlers
  /** The queue's events, with a connection of their own that waits for them; null until another process takes part. */
  #listening: { events: QueueEvents; redis: ReturnType<typeof connectRedis> } | null = null
  #lookingOut: NodeJS.Timeout | undefined
  readonly #given = new Map<string, Given>()
  readonly #epoch = Date.now().toString(36)
  #count = 0

  constructor(url: string, options: QueueOptions, handlers: ExtentHandlers) {
    this.#queue = new Queue(EXTENT_QUEUE, options)
    this.#worker = new Worker(EXTENT_QUEUE, (job) => this.#work(job), {
      ...options,
      concurrency: EXTENTS_AT_ONCE,
      lockDuration: EXTENT_LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      autorun: false,
    })
    this.#url = url
    this.#options = options
    this.#handlers = handlers
    // BullMQ reports a lost connection here and reconnects; without a listener it would end the process.
    for (const each of [this.#queue, this.#worker]) (each as Worker).on('error', () => {})
  }

  /** Drops what an earlier process left: its downloads choose anew. */
  async start(): Promise<void> {
    await this.#queue.obliterate({ force: true })
    this.#worker.run().catch(() => {})
  }

  async add(job: ExtentJob): Promise<void> {
    const jobId = `${this.#epoch}-${this.#count++}`
    const { promise, resolve } = Promise.withResolvers<void>()
    const addedAt = performance.now()
    this.#given.set(jobId, { job, addedAt, begun: false, ended: promise, end: resolve })
    this.#lookOut()
    await this.#queue.add('extent', job, { jobId, removeOnComplete: true, removeOnFail: true })
  }

  /** Resolves when nothing of the download is on the queue or under way in another process. */
  async settle(download: string): Promise<void> {
    const left = [...this.#given].filter(([, { job }]) => job.download === download)
    await Promise.all(
      left.map(async ([id, { begun, ended }]) => {
        const removed = await this.#queue.remove(id)
        if (removed === 1) return this.#end(id)
        if (!begun) this.#listen()
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
    // What the swarm asks for next is on the queue by then, and comes with the answer to this job's end.
    await nextTurn()
    return null
  }

  /** Notices, while extents are under way, that another process has taken some. */
  #lookOut(): void {
    if (this.#listening || this.#lookingOut) return
    this.#lookingOut = setTimeout(async () => {
      const now = performance.now()
      for (const [id, { begun, addedAt }] of this.#given) {
        if (begun || now - addedAt < ELSEWHERE_MS) continue
        if (await this.#isElsewhere(id)) this.#listen()
        break
      }
      this.#lookingOut = undefined
      if (this.#given.size > 0) this.#lookOut()
    }, ELSEWHERE_MS).unref()
  }

  /** On a busy machine an extent may wait for long, with nobody else there to take it. */
  async #isElsewhere(id: string): Promise<boolean> {
    const state = await this.#queue.getJobState(id).catch(() => 'waiting')
    // One that this process took just before the answer is begun by the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    return state !== 'waiting' && this.#given.get(id)?.begun === false
  }

  /** Hears what other processes have done and will do: Redis keeps the last events. */
  #listen(): void {
    if (this.#listening) return
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
      ended(jobId, { chunks: [], error: { code: 'ERROR', message: failedReason } }),
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
