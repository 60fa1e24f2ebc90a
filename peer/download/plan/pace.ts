import { CHUNK_SIZE, MAX_EXTENT_CHUNKS } from '../../../protocol/chunking.ts'

/** An extent takes this long at the peer's rate. Two are kept under way. */
const EXTENT_SECONDS = 0.25
/** Weight of the newest sample in the averages. */
const WEIGHT = 0.4

/** Decides from a peer's speed how much to ask it for at a time. Pure: the caller passes the time. */
export class Pace {
  /** Bytes a second, 0 until measured. */
  rate = 0
  /** Seconds from the request of a chunk to its arrival (the peer's uplink and queue); 0 until measured. */
  wait = 0
  #settledAt = 0
  /** An extent has arrived. */
  #proven = false

  /** Chunks to ask for at once. */
  get extentLimit(): number {
    const chunks = Math.round((this.rate * EXTENT_SECONDS) / CHUNK_SIZE)
    return Math.max(1, Math.min(MAX_EXTENT_CHUNKS, chunks))
  }

  /**
   * Whether to ask for one more extent than `underway`. The longest extents take little time, so more of them are
   * kept under way. Before the first has arrived, there is no second: when many peers start together, all of them ask
   * the origin, and each would fill its queue before it knows what the others chose.
   */
  wantsMore(underway: number): boolean {
    if (!this.#proven) return underway === 0
    return underway < (this.extentLimit === MAX_EXTENT_CHUNKS ? 4 : 2)
  }

  /** An extent of `bytes`, requested at `startedAt`, is complete at `now` (milliseconds). */
  succeeded(bytes: number, startedAt: number, now: number): void {
    this.#proven = true
    const wait = ((now - startedAt) / 1000) * (CHUNK_SIZE / bytes)
    this.wait = this.wait === 0 ? wait : this.wait + WEIGHT * (wait - this.wait)
    const seconds = (now - Math.max(startedAt, this.#settledAt)) / 1000
    this.#settledAt = now
    if (seconds <= 0) return
    const rate = bytes / seconds
    this.rate = this.rate === 0 ? rate : this.rate + WEIGHT * (rate - this.rate)
  }
}
