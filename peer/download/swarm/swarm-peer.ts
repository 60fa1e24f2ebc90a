import { backOff } from '../../../protocol/back-off.ts'
import type { ErrorCode } from '../../../protocol/errors.ts'
import type { PeerAddress } from '../../../protocol/records.ts'
import { Pace } from '../plan/pace.ts'
import type { PeerSlot } from '../plan/scheduler.ts'

/** Most peers taken from the tracker: each sends records of every chunk that it gets. */
export const MAX_PEERS = 40
/** Most peers taken in because they asked this one. */
export const MAX_PEERS_ASKING = 80
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000
/** After this many failures in a row, a peer is retried only if the tracker hands it out. */
const RETRIES = 5

/** A download's view of one peer: its speed, its place in the scheduler, and when to retry it. */
export class SwarmPeer {
  address: PeerAddress
  pace = new Pace()
  /** Verified bytes that came from it. */
  bytes = 0
  banned = false
  /** Its place in the scheduler; null while it is not asked for anything. */
  slot: PeerSlot<SwarmPeer> | null = null
  /** Ends its part in the download; null while it takes no part. */
  stop: AbortController | null = null
  /** When it last began to take part, in milliseconds. Earlier requests are settled. */
  startedAt = 0
  /** We follow what others ask of this seed. */
  followed = false
  reportedLate = false
  /** How often it refused chunks that it is said to hold. After one, the tracker's word that it is complete is ignored. */
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

  /** An extent of `bytes`, requested at `startedAt`, is complete. */
  succeeded(bytes: number, startedAt: number, now: number): void {
    this.#failures = 0
    this.#refusals = 0
    this.pace.succeeded(bytes, startedAt, now)
  }

  get believed(): boolean {
    return this.#denials === 0
  }

  /** Whether it failed or refused a grant, and may be retried now. */
  mayRetry(now: number): boolean {
    return this.#failures + this.#refusals > 0 && this.#failures <= RETRIES && this.mayStart(now)
  }

  /**
   * It refused chunks that it is said to hold. The first time, the tracker's news may be old. After that it backs off
   * as for a failure, even if other chunks arrive in between.
   */
  denied(now: number): 'ask' | 'back off' {
    if (this.#denials++ === 0) return 'ask'
    this.#failures = Math.max(this.#failures, this.#denials - 2)
    this.failed(now)
    return 'back off'
  }

  /** It refused the grant. The first time the grant may have ended, so it is only retried with a fresh one. */
  refused(now: number): void {
    if (this.#refusals++ > 0) this.failed(now)
    else this.#retryAt = now + FIRST_RETRY_MS
  }

  /** Backs off, twice as long after each failure in a row. */
  failed(now: number): void {
    this.#retryAt = now + backOff(++this.#failures, FIRST_RETRY_MS, MAX_RETRY_MS)
    this.pace.rate = 0
  }
}

/** Whether an error proves that the peer lies. A slow or refused connection is no proof. */
export function isLie(code: ErrorCode | null): boolean {
  return code === 'HASH_MISMATCH' || code === 'PEER_BAD_ANSWER'
}
