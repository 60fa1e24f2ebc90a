/** Rates are averages over this time or one look more, because chunks of a slow download come seconds apart. */
const WINDOW_MS = 4000

interface Sample {
  at: number
  total: number
}

/**
 * Computes the rates of counters from occasional looks at them. A new counter is taken to have been 0 at the last
 * look. Pure: the caller passes the time in milliseconds.
 */
export class Rates {
  #samples = new Map<string, Sample[]>()
  #seen = new Set<string>()
  #tickedAt: number

  constructor(start: number) {
    this.#tickedAt = start
  }

  /** Bytes a second, rounded up, so that 0 means no bytes at all. */
  at(key: string, total: number, now: number): number {
    this.#seen.add(key)
    const known = this.#samples.get(key) ?? []
    // A lower total means a new counter under the same key.
    const samples = (known.at(-1)?.total ?? 0) > total ? [] : known
    if (samples.length === 0) samples.push({ at: this.#tickedAt, total: 0 })
    while (samples.length > 1 && now - samples[1]!.at >= WINDOW_MS) samples.shift()
    const { at, total: before } = samples[0]!
    samples.push({ at: now, total })
    this.#samples.set(key, samples)
    return now > at ? Math.ceil(((total - before) / (now - at)) * 1000) : 0
  }

  /** Ends a look at all counters, and forgets those that it did not include. */
  tick(now: number): void {
    for (const key of this.#samples.keys()) if (!this.#seen.has(key)) this.#samples.delete(key)
    this.#seen = new Set()
    this.#tickedAt = now
  }
}
