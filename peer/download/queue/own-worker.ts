import { type Job, Worker, type WorkerOptions } from 'bullmq'

/**
 * BullMQ's worker of a process that puts the jobs on the queue itself, and so need not wait for the queue to say that
 * there are some: it takes as many as it is told to. Its loop (`run`) waits with a second connection, and each job that
 * it hears of there costs two commands more. A job that waits when another ends comes with the answer to that end.
 */
export class OwnWorker<Data, Result> extends Worker<Data, Result> {
  readonly #atOnce: number
  readonly #chains = new Set<Promise<void>>()
  #untaken = 0
  #taking: NodeJS.Immediate | undefined
  #tokens = 0

  constructor(name: string, process: (job: Job<Data, Result>) => Promise<Result>, options: WorkerOptions) {
    super(name, process, { ...options, autorun: false })
    this.#atOnce = options.concurrency ?? 1
  }

  /** Renews the locks of jobs, and gives back those of workers that died, without the loop. */
  async begin(): Promise<void> {
    await this.startStalledCheckTimer()
    this.lockManager.start()
  }

  /** One more job waits, or is about to: it is taken with the end of another, or else soon. */
  added(): void {
    this.#untaken++
    this.#takeSoon()
  }

  /** So many jobs wait at least. */
  left(count: number): void {
    this.#untaken = Math.max(this.#untaken, count)
    this.#takeSoon()
  }

  override async close(force = false): Promise<void> {
    clearImmediate(this.#taking)
    this.#untaken = 0
    if (!force) await Promise.all(this.#chains)
    await super.close(force)
  }

  #takeSoon(): void {
    if (this.running) this.#untaken = 0
    // By the next turn of the event loop what is being added is on its way to Redis, and this comes after it.
    else if (this.#untaken > 0) this.#taking ??= setImmediate(() => this.#take())
  }

  #take(): void {
    this.#taking = undefined
    while (this.#untaken > 0 && this.#chains.size < this.#atOnce && !this.closing) {
      this.#untaken--
      const chain: Promise<void> = this.#work()
        .catch(() => {})
        .finally(() => {
          this.#chains.delete(chain)
          this.#takeSoon()
        })
      this.#chains.add(chain)
    }
  }

  async #work(): Promise<void> {
    const token = `${this.id}:own:${this.#tokens++}`
    let job: Job<Data, Result> | undefined = await this.getNextJob(token, { block: false })
    while (job) {
      let claimed = false
      const claim = (): boolean => {
        claimed = this.#takesNext()
        return claimed
      }
      job = (await this.processJob(job, token, claim)) || undefined
      // It was on its way to Redis still when that end overtook it.
      if (!job && claimed) this.added()
    }
  }

  /** A job ends: whether one that waits is to come with the answer. */
  #takesNext(): boolean {
    if (this.running || this.#untaken === 0) return false
    this.#untaken--
    return true
  }
}
