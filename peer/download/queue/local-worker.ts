import { Job, Worker, type WorkerOptions } from 'bullmq'

/** After Redis failed to hand out a job. */
const RETRY_MS = 1000

/** `process` gets each job that is taken; it never rejects. */
export interface LocalWorkerOptions<Data> extends WorkerOptions {
  concurrency: number
  lockDuration: number
  process(job: Job<Data>): Promise<void>
}

/**
 * Takes the jobs of a queue in the process that adds them, with BullMQ's calls for fetching jobs manually. It is told
 * of each job instead of waiting for Redis to tell it, and a job that waits when another ends comes with the answer to
 * that end: two scripts a job. BullMQ's own loop takes two commands more and a second connection, a third of the CPU
 * time of the queue. `share` goes over to that loop, so that other processes get jobs too.
 */
export class LocalWorker<Data> {
  readonly #worker: Worker<Data, null>
  readonly #process: (job: Job<Data>) => Promise<void>
  readonly #concurrency: number
  readonly #lockDuration: number
  /** One for each job under way, by lock token. */
  readonly #active = new Map<string, string>()
  readonly #chains = new Set<Promise<void>>()
  /** Jobs that wait in the queue, at least. */
  #waiting = 0
  #taking: NodeJS.Immediate | undefined
  #renewing: NodeJS.Timeout | undefined
  #isShared = false
  #isClosing = false
  #tokens = 0

  constructor(name: string, { process, ...options }: LocalWorkerOptions<Data>) {
    this.#process = process
    this.#concurrency = options.concurrency
    this.#lockDuration = options.lockDuration
    const run = (job: Job<Data>): Promise<null> => process(job).then(() => null)
    this.#worker = new Worker<Data, null>(name, run, { ...options, autorun: false })
    // BullMQ reports a lost connection here and reconnects; without a listener it would end the process.
    this.#worker.on('error', () => {})
    // A process that died held this job; BullMQ has put it back into the queue.
    this.#worker.on('stalled', () => this.added())
  }

  async start(): Promise<void> {
    await this.#worker.startStalledCheckTimer()
    this.#renewing = setInterval(() => this.#renew(), this.#lockDuration / 2).unref()
  }

  /** A job waits in the queue, or is on its way there. */
  added(): void {
    this.#waiting++
    this.#takeSoon()
  }

  /** Waits for jobs from now on, as the workers of other processes do. */
  share(): void {
    if (this.#isShared) return
    this.#isShared = true
    this.#loop()
  }

  /** Finishes the jobs under way. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearImmediate(this.#taking)
    await Promise.all(this.#chains)
    clearInterval(this.#renewing)
    await this.#worker.close()
  }

  /** By the next turn of the event loop the job that is being added is on its way to Redis, and this comes after it. */
  #takeSoon(): void {
    if (this.#waiting > 0 && this.#mayTake) this.#taking ??= setImmediate(() => this.#take())
  }

  get #mayTake(): boolean {
    return !this.#isShared && !this.#isClosing
  }

  #take(): void {
    this.#taking = undefined
    while (this.#waiting > 0 && this.#chains.size < this.#concurrency && this.#mayTake) {
      this.#waiting--
      const chain: Promise<void> = this.#work(`${this.#worker.id}:local:${this.#tokens++}`)
        .catch(() => this.#retryLater())
        .finally(() => {
          this.#chains.delete(chain)
          if (this.#isShared) this.#loop()
          this.#takeSoon()
        })
      this.#chains.add(chain)
    }
  }

  /** The loop and the jobs that were taken before it share the limit. */
  #loop(): void {
    const room = this.#concurrency - this.#chains.size
    if (room === 0 || this.#isClosing) return
    this.#worker.concurrency = room
    if (!this.#worker.isRunning()) this.#worker.run().catch(() => {})
  }

  /** Takes one job, and then each that comes with the end of the one before. */
  async #work(token: string): Promise<void> {
    let job: Job<Data> | undefined = await this.#worker.getNextJob(token, { block: false })
    while (job) {
      this.#active.set(token, job.id!)
      await this.#process(job)
      this.#active.delete(token)
      const takesNext = this.#waiting > 0 && this.#mayTake
      if (takesNext) this.#waiting--
      const next: unknown[] | undefined = (await job.moveToCompleted(null, token, takesNext)) ?? undefined
      job = next?.[0] ? Job.fromJSON(this.#worker, next[0] as never, next[1] as string) : undefined
      // It was still on its way to Redis when that end overtook it.
      if (!job && takesNext) this.added()
    }
  }

  /** The job's lock was lost, or Redis is away: BullMQ puts the job back, and others may wait. */
  #retryLater(): void {
    setTimeout(() => this.added(), RETRY_MS).unref()
  }

  #renew(): void {
    if (this.#active.size === 0) return
    const tokens = [...this.#active.keys()]
    this.#worker.extendJobLocks([...this.#active.values()], tokens, this.#lockDuration).catch(() => {})
  }
}
