import { setTimeout as delay } from 'node:timers/promises'

/** The peer does not wait longer for a part to close, so it always ends. */
const LIMIT_MS = 10_000

interface Closer {
  name: string
  close(): unknown
}

/** The open parts of a peer, which close in the reverse order. */
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

  /** Closes every part. Logs those that fail or take too long. */
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
