import { CHUNK_SIZE, MAX_EXTENT_CHUNKS } from '../../../protocol/chunking.ts'

/** Extents are sized for this long at the peer's rate, and two of them kept under way. */
const EXTENT_SECONDS = 0.25
const WEIGHT = 0.4

/** How much one peer is asked for at a time, from how fast it proves to be. Pure: the caller brings the time. */
export class Pace {
  /** Bytes a second, 0 until measured. */
  rate = 0
  /** Seconds from asking for a chunk to having it, 0 until measured: what its uplink and its queue make of it. */
  wait = 0
  #settledAt = 0
  /** An extent has come in. */
  #proven = false

  /** Chunks to ask for at once. */
  get extentLimit(): number {
    const chunks = Math.round((this.rate * EXTENT_SECONDS) / CHUNK_SIZE)
    return Math.max(1, Math.min(MAX_EXTENT_CHUNKS, chunks))
  }

  /**
   * Whether one more extent than `underway` may be asked for: the longest are short in time, so more of them are
   * kept. Before the first is in, no second: where many start together they all ask the origin, and what waits
   * in its queue is chosen before anyone knows what the others chose.
   */
  wantsMore(underway: number): boolean {
    if (!this.#proven) return underway === 0
    return underway < (this.extentLimit === MAX_EXTENT_CHUNKS ? 4 : 2)
  }

  /** An extent of `bytes`, asked for at `startedAt`, came in whole at `now` (milliseconds). */
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
