import { ShoalError } from '../../protocol/errors.ts'

/** Runs at most `running` tasks at once and queues at most `waiting` more. Beyond that it throws OVERLOADED at once. */
export class BoundedQueue {
  readonly #limits: { running: number; waiting: number }
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: { running: number; waiting: number }) {
    this.#limits = limits
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.running) await this.#turn()
    else this.#running++
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }

  /** Waits for a place. Its holder passes it on directly, without freeing it first. */
  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#limits.waiting)
      throw new ShoalError('OVERLOADED', 'too many logins are waiting to be checked', {
        hint: 'try again in a few seconds',
      })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
