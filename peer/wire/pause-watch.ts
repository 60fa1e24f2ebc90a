/** A timer this late means that the process was paused, not that its event loop is busy. */
const PAUSE_MS = 1000

/**
 * Detects pauses of this process (SIGSTOP, a frozen container, a suspended machine), so that peers are not blamed
 * for data that did not arrive meanwhile. Ticks come every `intervalMs`.
 */
export class PauseWatch {
  readonly #limit: number
  #tickedAt: number

  constructor(intervalMs: number, now: number) {
    this.#limit = intervalMs + PAUSE_MS
    this.#tickedAt = now
  }

  /** Whether the process was paused since the last tick. Call it at each tick with performance.now(). */
  paused(now: number): boolean {
    const wasPaused = now - this.#tickedAt > this.#limit
    this.#tickedAt = now
    return wasPaused
  }
}
