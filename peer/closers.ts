import { setTimeout as delay } from 'node:timers/promises'

/** A part that does not close within this time is left behind, so that the peer always ends. */
const LIMIT_MS = 10_000

interface Closer {
  name: string
  close(): unknown
}

/** The parts of a peer that are open, closed in the opposite order. */
export class Closers {
  readonly #closers: Closer[] = []
  readonly #warn: (message: string) => void
  readonly #limitMs: number

  constructor(warn: (message: string) => void, limitMs = LIMIT_MS) {
    this.#warn = warn
    this.#limitMs = limitMs
  }

  /** `name` is for the log. */
  push(name: string, close: () => unknown): void {
    this.#closers.push({ name, close })
  }

  /** Closes every part, also after one that fails or takes too long: those are logged. */
  async closeAll(): Promise<void> {
    for (const { name, close } of this.#closers.splice(0).reverse()) {
      const limit = new AbortController()
      const late = delay(this.#limitMs, 'late' as const, { signal: limit.signal }).catch(() => null)
      try {
        const outcome = await Promise.race([Promise.resolve(close()), late])
        if (outcome === 'late')
          this.#warn(`${name} did not close within ${this.#limitMs / 1000} s: the peer ends without it`)
      } catch (error) {
        this.#warn(`${name} failed to close: ${(error as Error).message}`)
      } finally {
        limit.abort()
      }
    }
  }
}
