import { CHUNK_SIZE, MAX_EXTENT_CHUNKS } from '../../protocol/chunking.ts'
import type { PeerAddress } from '../../protocol/records.ts'

/** Extents are sized for this long at the peer's rate, and two of them kept under way. */
const EXTENT_SECONDS = 0.25
const RATE_WEIGHT = 0.4
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000

/** One peer as one download sees it: how fast it is, what is under way, and when it may be tried again. */
export class SwarmPeer {
  address: PeerAddress
  /** Extents asked for and not settled. */
  underway = 0
  /** Bytes a second, 0 until measured. */
  rate = 0
  /** Verified bytes that came from it. */
  bytes = 0
  banned = false
  /** Ends its have-stream and its place in the picker; null while it is not taking part. */
  stop: AbortController | null = null
  #failures = 0
  #retryAt = 0
  #settledAt = 0

  constructor(address: PeerAddress) {
    this.address = address
  }

  /** Whether it takes no part now and may be tried at `now` (milliseconds). */
  mayStart(now: number): boolean {
    return !this.banned && this.stop === null && now >= this.#retryAt
  }

  /** Chunks to ask for at once. */
  extentLimit(): number {
    const chunks = Math.round((this.rate * EXTENT_SECONDS) / CHUNK_SIZE)
    return Math.max(1, Math.min(MAX_EXTENT_CHUNKS, chunks))
  }

  /** Whether another extent may be asked for: the longest ones are short in time, so more of them are kept. */
  wantsMore(): boolean {
    return this.stop !== null && this.underway < (this.extentLimit() === MAX_EXTENT_CHUNKS ? 4 : 2)
  }

  /** An extent of `bytes`, asked for at `startedAt`, came in. */
  succeeded(bytes: number, startedAt: number, now: number): void {
    const seconds = (now - Math.max(startedAt, this.#settledAt)) / 1000
    this.#settledAt = now
    this.#failures = 0
    if (seconds <= 0) return
    const rate = bytes / seconds
    this.rate = this.rate === 0 ? rate : this.rate + RATE_WEIGHT * (rate - this.rate)
  }

  /** Backs off, twice as long at each failure in a row. */
  failed(now: number): void {
    this.#retryAt = now + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++)
    this.rate = 0
  }
}
