import { setTimeout as delay } from 'node:timers/promises'

export interface BacklogOptions {
  /** Names worked on at once. */
  atOnce: number
  /** Whether failed names are retried later. */
  retries: boolean
  work(name: string, signal: AbortSignal): Promise<void>
  /** Whether a retry cannot help: such an error ends the run. */
  isFinal(error: Error): boolean
  /** Called for a name's first failure, and for later ones in a row if the message differs. */
  failed(name: string, error: Error): void
}

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000

/**
 * A work queue of names. It works on each name at most once at a time, again if the name was added meanwhile, and
 * retries failed names with pauses that double.
 */
export class Backlog {
  /** Names whose last attempt failed. */
  readonly failures = new Map<string, Error>()
  readonly #options: BacklogOptions
  /** When each name may start (performance.now()). */
  readonly #due = new Map<string, number>()
  readonly #running = new Map<string, { again: boolean; stop: AbortController; ended: Promise<void> }>()
  readonly #tries = new Map<string, number>()
  #wake = new AbortController()
  #final: Error | null = null

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  add(name: string): void {
    this.#tries.delete(name)
    const running = this.#running.get(name)
    if (running) running.again = true
    else this.#due.set(name, 0)
    this.#wake.abort()
  }

  /** Removes a name, and stops the work on it. */
  drop(name: string): void {
    this.#due.delete(name)
    this.#forget(name)
    const running = this.#running.get(name)
    if (!running) return
    running.again = false
    running.stop.abort()
  }

  get isEmpty(): boolean {
    return this.#due.size === 0 && this.#running.size === 0
  }

  /** Works until the signal aborts, or with `untilEmpty` until no name is left. Throws a final error. */
  async run(signal: AbortSignal, untilEmpty = false): Promise<void> {
    while (!signal.aborted && this.#final === null && !(untilEmpty && this.isEmpty)) {
      this.#wake = new AbortController()
      const wait = this.#start()
      await delay(wait, undefined, { signal: AbortSignal.any([signal, this.#wake.signal]) }).catch(() => {})
    }
    for (const { stop } of this.#running.values()) stop.abort()
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    if (this.#final) throw this.#final
  }

  /** Starts the names that are due. Returns the milliseconds until the next one may be. */
  #start(): number {
    const now = performance.now()
    let next = LAST_RETRY_MS
    for (const [name, due] of this.#due) {
      if (this.#running.size >= this.#options.atOnce) break
      if (due > now) next = Math.min(next, due - now)
      else this.#work(name)
    }
    return next
  }

  #work(name: string): void {
    this.#due.delete(name)
    const stop = new AbortController()
    const running = { again: false, stop, ended: Promise.resolve() }
    this.#running.set(name, running)
    running.ended = this.#options
      .work(name, stop.signal)
      .then(
        () => this.#forget(name),
        (error: Error) => {
          if (!stop.signal.aborted) this.#failed(name, error)
        },
      )
      .finally(() => {
        this.#running.delete(name)
        if (running.again) this.#due.set(name, 0)
        this.#wake.abort()
      })
  }

  #failed(name: string, error: Error): void {
    const { isFinal, failed, retries } = this.#options
    if (isFinal(error)) this.#final ??= error
    if (this.failures.get(name)?.message !== error.message) failed(name, error)
    this.failures.set(name, error)
    if (!retries) return
    const tries = this.#tries.get(name) ?? 0
    this.#tries.set(name, tries + 1)
    this.#due.set(name, performance.now() + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries))
  }

  #forget(name: string): void {
    this.failures.delete(name)
    this.#tries.delete(name)
  }
}
