import { LRUCache } from 'lru-cache'
import { backOff } from '../../protocol/back-off.ts'
import type { PeerAddress } from '../../protocol/records.ts'
import { BoundedQueue } from '../auth/bounded-queue.ts'
import { type CallBack, type CallBackFault, callBack } from './call-back.ts'

const LIMITS = { running: 64, waiting: 10_000 }
/** A reachable peer is called back again after this long, while it keeps announcing itself. */
const GOOD_FOR_MS = 600_000
/** Pause after a failed call-back. Doubles each time, even if the peer announces another port. */
const FIRST_PAUSE_MS = 2000
const LAST_PAUSE_MS = 300_000
const REMEMBERED = 100_000
/** Failed call-backs per user and minute, so that many keys do not let one user scan more ports. */
const MAX_FAILURES = 20
const MINUTE_MS = 60_000

interface Verdict {
  address: PeerAddress
  fault: CallBackFault | null
  failures: number
  /** When the peer may be called back again: milliseconds since the epoch. */
  nextAt: number
}

/** A peer's address, and the user who announced it. */
export interface Candidate extends PeerAddress {
  user: string
  /** Some replica has reached it there. */
  reachable?: boolean
}

export interface ReachabilityOptions {
  /** Called after each call-back, with the number of consecutive failures. */
  onVerdict(address: Candidate, failures: number): void
  /** Whether this is the tracker's own address, where no peer can be. */
  isOwn(host: string, port: number): boolean
  callBack?: CallBack
  /** Milliseconds since the epoch. */
  now?: () => number
}

/**
 * Calls peers back at their announced addresses, one call-back per peer at a time, so that nobody is sent to an address
 * that does not belong to the peer.
 */
export class Reachability {
  readonly #options: ReachabilityOptions
  readonly #callBack: CallBack
  readonly #now: () => number
  readonly #queue = new BoundedQueue(LIMITS)
  readonly #verdicts = new LRUCache<string, Verdict>({ max: REMEMBERED })
  readonly #running = new Map<string, Promise<boolean>>()
  readonly #failures = new LRUCache<string, { since: number; count: number }>({ max: REMEMBERED })

  constructor(options: ReachabilityOptions) {
    this.#options = options
    this.#callBack = options.callBack ?? callBack
    this.#now = options.now ?? Date.now
  }

  /** The fault that the last call-back found at this address, or null. */
  fault(candidate: PeerAddress, as: string): CallBackFault | null {
    const verdict = this.#verdicts.peek(as)
    return verdict && isSame(verdict.address, candidate) ? verdict.fault : null
  }

  /** Whether this replica has reached the peer there. */
  isProven(candidate: PeerAddress, as: string): boolean {
    const verdict = this.#verdicts.peek(as)
    return verdict !== undefined && verdict.fault === null && isSame(verdict.address, candidate)
  }

  /**
   * Calls the peer back, unless that was done recently. The promise of a running call-back tells whether the peer is there;
   * null if none is due. `as` is the key under which the result is kept.
   */
  check(candidate: Candidate, as: string): Promise<boolean> | null {
    const now = this.#now()
    const verdict = this.#verdicts.peek(as)
    if (verdict === undefined && candidate.reachable === true) return this.#adopt(candidate, as, now)
    // A success holds for one address only. A failure delays the next attempt at any address.
    if (verdict && now < verdict.nextAt && (verdict.fault !== null || isSame(verdict.address, candidate)))
      return null
    const running = this.#running.get(as)
    if (running) return running
    if (this.#failuresOf(candidate.user, now) >= MAX_FAILURES) return null
    const checking = this.#check(candidate, as, verdict?.failures ?? 0)
    this.#running.set(as, checking)
    return checking
  }

  /**
   * Adopts the result of another replica, or of this one before a restart, for a random part of ten minutes: peers that
   * reach a replica at the same moment are then not all called back at the same moment.
   */
  #adopt({ peer, host, port, tls }: Candidate, as: string, now: number): null {
    const nextAt = now + GOOD_FOR_MS * Math.random()
    this.#verdicts.set(as, { address: { peer, host, port, tls }, fault: null, failures: 0, nextAt })
    return null
  }

  async #check(candidate: Candidate, as: string, failures: number): Promise<boolean> {
    const { peer, host, port, tls, user } = candidate
    const address = { peer, host, port, tls }
    try {
      const fault = await this.#queue.run(async () =>
        this.#options.isOwn(host, port) ? 'wrong certificate' : this.#callBack(address),
      )
      const now = this.#now()
      const pause = fault === null ? GOOD_FOR_MS : backOff(failures + 1, FIRST_PAUSE_MS, LAST_PAUSE_MS)
      const verdict = { address, fault, failures: fault === null ? 0 : failures + 1, nextAt: now + pause }
      this.#verdicts.set(as, verdict)
      if (fault !== null) this.#noteFailure(user, now)
      this.#running.delete(as)
      this.#options.onVerdict(candidate, verdict.failures)
      return fault === null
    } catch {
      // The queue is full: the peer's next heartbeat tries again.
      this.#running.delete(as)
      return false
    }
  }

  #failuresOf(user: string, now: number): number {
    const failed = this.#failures.peek(user)
    return failed && now - failed.since < MINUTE_MS ? failed.count : 0
  }

  #noteFailure(user: string, now: number): void {
    const count = this.#failuresOf(user, now)
    const since = count === 0 ? now : (this.#failures.peek(user)?.since ?? now)
    this.#failures.set(user, { since, count: count + 1 })
  }
}

const isSame = (a: PeerAddress, b: PeerAddress): boolean =>
  a.port === b.port && a.host === b.host && a.tls === b.tls && a.peer === b.peer
