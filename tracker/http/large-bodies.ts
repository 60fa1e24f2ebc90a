import { ShoalError } from '../../protocol/errors.ts'

/** Read at once: each is in memory until it is parsed. */
const AT_ONCE = 2
const MAX_WAITING = 64

/** Lets few large bodies in at a time, and one of a user: the others are not read before it is their turn. */
export class LargeBodies {
  /** Whose bodies are being read. */
  readonly #reading = new Set<string>()
  readonly #waiting: { user: string; enter: () => void }[] = []

  /** Waits for the turn of a user's body; what it returns ends that turn. Throws OVERLOADED. */
  async enter(user: string): Promise<() => void> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new ShoalError('OVERLOADED', 'too many large requests wait for their turn', {
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
