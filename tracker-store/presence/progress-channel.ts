import type { Background } from '../../packed/background.ts'
import type { ProgressReport } from '../../protocol/records.ts'
import { type Database, isUnavailable } from '../database.ts'
import { PROGRESS_CHANNEL } from '../keys.ts'
import type { PubSub } from '../pubsub.ts'
import type { ProgressChannel } from '../store.ts'
import { BatchCodec } from './batch-codec.ts'

const BATCH_MS = 250
/** The maximum of peers with waiting reports. More are dropped, because peers report again. */
const MAX_WAITING = 10_000

/** Pub/sub only: nothing is written to Redis, and a lost report does no harm. */
export class RedisProgress implements ProgressChannel {
  readonly #db: Database
  readonly #pubsub: PubSub
  readonly #codec: BatchCodec<ProgressReport>
  readonly #listeners = new Set<(report: ProgressReport) => void>()
  #waiting = new Map<string, ProgressReport>()
  #timer: NodeJS.Timeout | undefined
  readonly #failed: (error: unknown) => void

  constructor(db: Database, pubsub: PubSub, replica: string, background: Background) {
    this.#db = db
    this.#pubsub = pubsub
    this.#codec = new BatchCodec(replica)
    this.#failed = background.owner('sharing progress', 'other replicas show older progress', isUnavailable)
  }

  async listen(): Promise<void> {
    await this.#pubsub.subscribe(PROGRESS_CHANNEL, (message) => {
      for (const report of this.#codec.decode(message))
        for (const listener of this.#listeners) listener(report)
    })
  }

  push(report: ProgressReport): void {
    if (this.#waiting.size < MAX_WAITING || this.#waiting.has(report.peer))
      this.#waiting.set(report.peer, report)
    this.#schedule()
  }

  subscribe(listener: (report: ProgressReport) => void): void {
    this.#listeners.add(listener)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  /** Sends one batch at a time, so that a slow Redis delays the next. */
  #schedule(): void {
    this.#timer ??= setTimeout(async () => {
      await this.#send().catch(this.#failed)
      this.#timer = undefined
      if (this.#waiting.size > 0) this.#schedule()
    }, BATCH_MS).unref()
  }

  async #send(): Promise<void> {
    const reports = [...this.#waiting.values()]
    this.#waiting = new Map()
    const messages = this.#codec.encode(reports.map((report) => JSON.stringify(report)))
    const published = messages.map((m) => this.#db.ask((redis) => redis.publish(PROGRESS_CHANNEL, m)))
    await Promise.all(published)
  }
}
