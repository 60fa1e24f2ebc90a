import { Job, Worker, type WorkerOptions } from 'bullmq'

/** Pause after a failure of Redis to hand out a job. */
const RETRY_MS = 1000

/** `process` runs a job, and never rejects. */
export interface LocalWorkerOptions<Data> extends WorkerOptions {
  concurrency: number
  lockDuration: number
  process(job: Job<Data>): Promise<void>
}

/**
 * Takes jobs in the process that adds them, with BullMQ's API for fetching jobs manually. `added` announces each job,
 * so it need not wait for Redis, and completing a job returns the next: two scripts per job. BullMQ's own loop needs
 * two more commands and a second connection, a third of the queue's CPU time. `share` switches to that loop, so that
 * other processes get jobs too.
 */
export class LocalWorker<Data> {
  readonly #worker: Worker<Data, null>
  readonly #process: (job: Job<Data>) => Promise<void>
  readonly #concurrency: number
  readonly #lockDuration: number
  /** Ids of the jobs under way, by lock token. */
  readonly #active = new Map<string, string>()
  readonly #chains = new Set<Promise<void>>()
  /** At least this many jobs wait in the queue. */
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

  /** Announces a job that is in the queue or on its way there. */
  added(): void {
    this.#waiting++
    this.#takeSoon()
  }

  /** Switches to BullMQ's loop, which shares the jobs with other processes. */
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

  /** Waits one turn of the event loop, so that Redis gets the added job before the request for it. */
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

  /** Starts BullMQ's loop. It shares the concurrency with the jobs that were taken before. */
  #loop(): void {
    const room = this.#concurrency - this.#chains.size
    if (room === 0 || this.#isClosing) return
    this.#worker.concurrency = room
    if (!this.#worker.isRunning()) this.#worker.run().catch(() => {})
  }

  /** Takes a job, and then each job that completing the one before returns. */
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
      // The announced job was still on its way to Redis.
      if (!job && takesNext) this.added()
    }
  }

  /** Retries after a lost lock or connection: BullMQ puts the job back into the queue, and others may wait there. */
  #retryLater(): void {
    setTimeout(() => this.added(), RETRY_MS).unref()
  }

  #renew(): void {
    if (this.#active.size === 0) return
    const tokens = [...this.#active.keys()]
    this.#worker.extendJobLocks([...this.#active.values()], tokens, this.#lockDuration).catch(() => {})
  }
}
