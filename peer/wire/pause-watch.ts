/** A timer that is late by this much tells of a pause of this process, not of a busy event loop. */
const PAUSE_MS = 1000

/**
 * Tells whether this process itself was paused (SIGSTOP, a frozen container, a suspended machine) since the tick
 * before, so that what did not arrive meanwhile is not blamed on peers. Ticks come every `intervalMs`.
 */
export class PauseWatch {
  readonly #limit: number
  #tickedAt: number

  constructor(intervalMs: number, now: number) {
    this.#limit = intervalMs + PAUSE_MS
    this.#tickedAt = now
  }

  /** To be called at each tick with performance.now(). */
  paused(now: number): boolean {
    const wasPaused = now - this.#tickedAt > this.#limit
    this.#tickedAt = now
    return wasPaused
  }
}
