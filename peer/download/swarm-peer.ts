import type { PeerAddress } from '../../protocol/records.ts'
import { Pace } from './pace.ts'
import type { Mate } from './scheduler.ts'

/** With so many peers no more that the tracker names are taken in: each tells all that it gets. */
export const ENOUGH_MATES = 40
/** Nor, with so many, those that ask this one. */
export const MOST_MATES = 80
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000

/** One peer as one download sees it: how fast it is, what is under way, and when it may be tried again. */
export class SwarmPeer {
  address: PeerAddress
  pace = new Pace()
  /** Verified bytes that came from it. */
  bytes = 0
  banned = false
  /** What the scheduler knows it as; null while it is not asked for anything. */
  mate: Mate<SwarmPeer> | null = null
  /** Ends its have-stream and its place in the picker; null while it is not taking part. */
  stop: AbortController | null = null
  /** When it last began to take part, in milliseconds; what was asked of it before is settled. */
  startedAt = 0
  #failures = 0
  #retryAt = 0

  constructor(address: PeerAddress) {
    this.address = address
  }

  /** Whether it takes no part now and may be tried at `now` (milliseconds). */
  mayStart(now: number): boolean {
    return !this.banned && this.stop === null && now >= this.#retryAt
  }

  /** An extent of `bytes`, asked for at `startedAt`, came in. */
  succeeded(bytes: number, startedAt: number, now: number): void {
    this.#failures = 0
    this.pace.succeeded(bytes, startedAt, now)
  }

  /** Backs off, twice as long at each failure in a row. */
  failed(now: number): void {
    this.#retryAt = now + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++)
    this.pace.rate = 0
  }
}
