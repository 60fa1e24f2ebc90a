import { setTimeout as delay } from 'node:timers/promises'

export interface Limits {
  /** A part that does not close within this time is left behind. */
  partMs: number
  /** Time for all parts. After it, each remaining part has only `lastMs`. */
  allMs: number
  lastMs: number
}

/** `peer stop` waits for 30 s. The peer ends earlier, whatever is stuck. */
const LIMITS: Limits = { partMs: 10_000, allMs: 15_000, lastMs: 500 }

interface Closer {
  name: string
  close(): unknown
}

/** The open parts of a peer, which close in the reverse order. */
export class Closers {
  readonly #closers: Closer[] = []
  readonly #warn: (message: string) => void
  readonly #limits: Limits

  constructor(warn: (message: string) => void, limits = LIMITS) {
    this.#warn = warn
    this.#limits = limits
  }

  /** `name` is for the log. */
  push(name: string, close: () => unknown): void {
    this.#closers.push({ name, close })
  }

  /** Closes every part. Logs those that fail or take too long. */
  async closeAll(): Promise<void> {
    const { partMs, allMs, lastMs } = this.#limits
    const deadline = performance.now() + allMs
    for (const closer of this.#closers.splice(0).reverse()) {
      const left = deadline - performance.now()
      await this.#close(closer, Math.max(lastMs, Math.min(partMs, left)))
    }
  }

  async #close({ name, close }: Closer, limitMs: number): Promise<void> {
    const limit = new AbortController()
    const late = delay(limitMs, 'late' as const, { signal: limit.signal }).catch(() => null)
    try {
      if ((await Promise.race([Promise.resolve(close()), late])) !== 'late') return
      this.#warn(`${name} did not close within ${(limitMs / 1000).toFixed(1)} s: the peer ends without it`)
    } catch (error) {
      this.#warn(`${name} failed to close: ${(error as Error).message}`)
    } finally {
      limit.abort()
    }
  }
}
