import { backOff } from '../../../protocol/back-off.ts'
import type { ErrorCode } from '../../../protocol/errors.ts'
import type { PeerAddress } from '../../../protocol/records.ts'
import { Pace } from '../plan/pace.ts'
import type { PeerSlot } from '../plan/scheduler.ts'

/** With so many peers no more that the tracker names are taken in: each tells all that it gets. */
export const MAX_PEERS = 40
/** Nor, with so many, those that ask this one. */
export const MAX_PEERS_ASKING = 80
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000
/** Failures in a row after which it is tried again only when the tracker names it. */
const RETRIES = 5

/** One peer as one download sees it: how fast it is, what is under way, and when it may be tried again. */
export class SwarmPeer {
  address: PeerAddress
  pace = new Pace()
  /** Verified bytes that came from it. */
  bytes = 0
  banned = false
  /** What the scheduler knows it as; null while it is not asked for anything. */
  slot: PeerSlot<SwarmPeer> | null = null
  /** Ends its have-stream and its place in the picker; null while it is not taking part. */
  stop: AbortController | null = null
  /** When it last began to take part, in milliseconds; what was asked of it before is settled. */
  startedAt = 0
  /** What others ask this seed for is followed. */
  followed = false
  /** It was told that this peer is late. */
  toldLate = false
  /** It refused what it was said to hold: that it is complete is no longer believed on the tracker's word. */
  #denials = 0
  #failures = 0
  /** Refusals of grants since its last answer. */
  #refusals = 0
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
    this.#refusals = 0
    this.pace.succeeded(bytes, startedAt, now)
  }

  get believed(): boolean {
    return this.#denials === 0
  }

  /** It failed, or refused a grant, and would by now be tried again. */
  mayRetry(now: number): boolean {
    return this.#failures + this.#refusals > 0 && this.#failures <= RETRIES && this.mayStart(now)
  }

  /**
   * It refused chunks that it is known to hold. Once may be news that the tracker did not have; after that it
   * backs off as for a failure, and its other chunks coming in do not make up for it.
   */
  denied(now: number): 'ask' | 'back off' {
    if (this.#denials++ === 0) return 'ask'
    this.#failures = Math.max(this.#failures, this.#denials - 2)
    this.failed(now)
    return 'back off'
  }

  /** It no longer takes the grant. The first time that is the grant's end, and not its fault: a fresh one is fetched. */
  refused(now: number): void {
    if (this.#refusals++ > 0) this.failed(now)
    else this.#retryAt = now + FIRST_RETRY_MS
  }

  /** Backs off, twice as long at each failure in a row. */
  failed(now: number): void {
    this.#retryAt = now + backOff(++this.#failures, FIRST_RETRY_MS, MAX_RETRY_MS)
    this.pace.rate = 0
  }
}

/** What only a peer does that is not to be trusted; a slow or refused connection is no proof. */
export function isLie(code: ErrorCode | null): boolean {
  return code === 'HASH_MISMATCH' || code === 'PEER_BAD_ANSWER'
}
