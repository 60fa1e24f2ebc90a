/** A rate is that of this time and up to one look more: chunks of a slow download come seconds apart. */
const WINDOW_MS = 4000

interface Sample {
  at: number
  total: number
}

/**
 * Rates of counters that somebody else counts up, from looking at them now and then. A counter that was not
 * there at the look before began at 0 then. Pure: the caller brings the time in milliseconds.
 */
export class Rates {
  #samples = new Map<string, Sample[]>()
  #seen = new Set<string>()
  #tickedAt: number

  constructor(start: number) {
    this.#tickedAt = start
  }

  /** Bytes a second, rounded up, so that 0 is nothing at all. */
  at(key: string, total: number, now: number): number {
    this.#seen.add(key)
    const known = this.#samples.get(key) ?? []
    // One that is lower than before is another counter under the same key.
    const samples = (known.at(-1)?.total ?? 0) > total ? [] : known
    if (samples.length === 0) samples.push({ at: this.#tickedAt, total: 0 })
    while (samples.length > 1 && now - samples[1]!.at >= WINDOW_MS) samples.shift()
    const { at, total: before } = samples[0]!
    samples.push({ at: now, total })
    this.#samples.set(key, samples)
    return now > at ? Math.ceil(((total - before) / (now - at)) * 1000) : 0
  }

  /** Ends one look at all counters: those that were not looked at are forgotten. */
  tick(now: number): void {
    for (const key of this.#samples.keys()) if (!this.#seen.has(key)) this.#samples.delete(key)
    this.#seen = new Set()
    this.#tickedAt = now
  }
}
