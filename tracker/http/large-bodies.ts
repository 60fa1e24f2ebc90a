import { ShoalError } from '../../protocol/errors.ts'

/** How many are read at once: each stays in memory until it is parsed. */
const AT_ONCE = 2
const MAX_WAITING = 64

/** Admits a few large bodies at a time, and only one per user. The others are not read until their turn. */
export class LargeBodies {
  /** Users whose bodies are being read. */
  readonly #reading = new Set<string>()
  readonly #waiting: { user: string; enter: () => void }[] = []

  /** Waits for the user's turn, and returns the function that ends it. Throws OVERLOADED. */
  async enter(user: string): Promise<() => void> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new ShoalError('OVERLOADED', 'too many large requests are waiting', {
        hint: 'try again in a few seconds',
      })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ user, enter: resolve })
    this.#admit()
    await promise
    return () => {
      this.#reading.delete(user)
      this.#admit()
    }
  }

  #admit(): void {
    for (let i = 0; i < this.#waiting.length && this.#reading.size < AT_ONCE; ) {
      const { user, enter } = this.#waiting[i] as { user: string; enter: () => void }
      if (this.#reading.has(user)) {
        i++
        continue
      }
      this.#waiting.splice(i, 1)
      this.#reading.add(user)
      enter()
    }
  }
}
