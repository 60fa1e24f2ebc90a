import type { ProgressListener } from '../control/api.ts'
import { ProgressMeter } from '../control/progress-meter.ts'

const PROGRESS_MS = 200

/** Reports the hashing of `files` files of `total` bytes: the start, then progress at most every PROGRESS_MS. */
export class HashProgress {
  readonly #name: string
  readonly #total: number
  readonly #progress: ProgressListener
  readonly #meter: ProgressMeter
  #reportedAt = 0

  constructor(name: string, total: number, files: number, progress: ProgressListener) {
    this.#name = name
    this.#total = total
    this.#progress = progress
    this.#meter = new ProgressMeter(name, total)
    progress({ event: 'start', name, total, files })
  }

  /** A file that grows meanwhile counts with the size that it had at the start. */
  readonly hashed = (bytes: number): void => {
    const now = performance.now()
    this.#meter.add(Math.min(bytes, this.#total - this.#meter.done), now)
    if (now - this.#reportedAt < PROGRESS_MS) return
    this.#reportedAt = now
    this.report(now)
  }

  report(now = performance.now()): void {
    this.#progress(this.#meter.event(now, 0))
  }

  done(): void {
    this.#progress({ event: 'done', name: this.#name })
  }
}
