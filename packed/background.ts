/** A kind that fails again and again is logged once in this time. */
const QUIET_MS = 60_000

interface Failures {
  count: number
  loggedAt: number
  unlogged: number
}

/**
 * Owns work that nobody awaits: timers, subscriptions, batches. A failure is counted, logged at most once a
 * minute for each kind, and ends nothing (docs/decisions/0022-background-failures.md).
 */
export class Background {
  readonly #log: (message: string, error: Error) => void
  readonly #now: () => number
  readonly #kinds = new Map<string, Failures>()

  /** `now` is in milliseconds, from any start. */
  constructor(log: (message: string, error: Error) => void, now = (): number => performance.now()) {
    this.#log = log
    this.#now = now
  }

  /** Failures since the start, by kind. */
  get failures(): Record<string, number> {
    return Object.fromEntries([...this.#kinds].map(([kind, { count }]) => [kind, count]))
  }

  /**
   * The listener for failures of one kind of work, for `catch`. `meaning` tells an operator what is late or
   * missing now. `expected` failures are neither counted nor logged.
   */
  owner(kind: string, meaning: string, expected?: (error: unknown) => boolean): (error: unknown) => void {
    return (error) => {
      if (!expected?.(error)) this.#failed(kind, meaning, error)
    }
  }

  #failed(kind: string, meaning: string, reason: unknown): void {
    const failures = this.#kinds.get(kind) ?? { count: 0, loggedAt: Number.NEGATIVE_INFINITY, unlogged: 0 }
    this.#kinds.set(kind, failures)
    failures.count++
    const now = this.#now()
    if (now - failures.loggedAt < QUIET_MS) {
      failures.unlogged++
      return
    }
    const error = reason instanceof Error ? reason : new Error(String(reason))
    const more = failures.unlogged > 0 ? ` (${failures.unlogged} more since this was last logged)` : ''
    failures.loggedAt = now
    failures.unlogged = 0
    this.#log(`${kind} failed${more}: ${meaning}: ${error.message}`, error)
  }
}
