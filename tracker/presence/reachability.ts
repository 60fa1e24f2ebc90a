import type { PeerAddress } from '../../protocol/records.ts'
import { Recent } from '../../tracker-store/recent.ts'
import { BoundedQueue } from '../auth/bounded-queue.ts'
import { type CallBack, type CallBackFault, callBack } from './call-back.ts'

const LIMITS = { running: 64, waiting: 10_000 }
/** A peer that was there is looked at again after this, for as long as it announces itself. */
const GOOD_FOR_MS = 600_000
/** Pauses after call-backs that failed, twice as long each time, also where the peer announces another port by then. */
const FIRST_PAUSE_MS = 2000
const LAST_PAUSE_MS = 300_000
const REMEMBERED = 100_000
/** Of one user's peers so many call-backs may fail in a minute: with many keys nobody has more ports tried than that. */
const MAX_FAILURES = 20
const MINUTE_MS = 60_000

interface Verdict {
  address: PeerAddress
  fault: CallBackFault | null
  failures: number
  /** When it may be looked at again, in milliseconds since the epoch. */
  nextAt: number
}

/** Of whose peer, which one and where. */
export interface Candidate extends PeerAddress {
  user: string
  /** Some replica has found it there. */
  reachable?: boolean
}

export interface ReachabilityOptions {
  /** Hears of each call-back that ended, and how many have failed in a row. */
  onVerdict(address: Candidate, failures: number): void
  /** This tracker's own address: no peer is there. */
  isOwn(host: string, port: number): boolean
  callBack?: CallBack
  /** Milliseconds since the epoch. */
  now?: () => number
}

/**
 * Calls peers back at the addresses where they say that they are, one call-back a peer at a time, so that nobody is
 * sent to an address that is not the peer's.
 */
export class Reachability {
  readonly #options: ReachabilityOptions
  readonly #callBack: CallBack
  readonly #now: () => number
  readonly #queue = new BoundedQueue(LIMITS)
  readonly #verdicts = new Recent<string, Verdict>(REMEMBERED)
  readonly #running = new Map<string, Promise<boolean>>()
  readonly #failures = new Recent<string, { since: number; count: number }>(REMEMBERED)

  constructor(options: ReachabilityOptions) {
    this.#options = options
    this.#callBack = options.callBack ?? callBack
    this.#now = options.now ?? Date.now
  }

  /** What the last call-back found wrong with this address; null where nothing did. */
  fault(candidate: PeerAddress, as: string): CallBackFault | null {
    const verdict = this.#verdicts.get(as)
    return verdict && isSame(verdict.address, candidate) ? verdict.fault : null
  }

  /** Whether this replica has found the peer there. */
  isProven(candidate: PeerAddress, as: string): boolean {
    const verdict = this.#verdicts.get(as)
    return verdict !== undefined && verdict.fault === null && isSame(verdict.address, candidate)
  }

  /**
   * Calls back, unless that was done lately. The promise, of a call-back that runs, tells whether the peer is there;
   * null where none is due. `as` is what the verdict is kept under: one is kept for each.
   */
  check(candidate: Candidate, as: string): Promise<boolean> | null {
    const now = this.#now()
    const verdict = this.#verdicts.get(as)
    if (verdict === undefined && candidate.reachable === true) return this.#believe(candidate, as, now)
    // What is good says nothing of another address; a failure holds up the next try wherever that goes.
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
   * Takes over what another replica, or this one before it started again, has found, until some time within the next ten
   * minutes: so peers that all come to a replica at once are not all called back at once.
   */
  #believe({ peer, host, port, tls }: Candidate, as: string, now: number): null {
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
      const pause =
        fault === null ? GOOD_FOR_MS : Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10))
      const verdict = { address, fault, failures: fault === null ? 0 : failures + 1, nextAt: now + pause }
      this.#verdicts.set(as, verdict)
      if (fault !== null) this.#noteFailure(user, now)
      this.#running.delete(as)
      this.#options.onVerdict(candidate, verdict.failures)
      return fault === null
    } catch {
      // Too many wait: the peer's next heartbeat asks again.
      this.#running.delete(as)
      return false
    }
  }

  #failuresOf(user: string, now: number): number {
    const failed = this.#failures.get(user)
    return failed && now - failed.since < MINUTE_MS ? failed.count : 0
  }

  #noteFailure(user: string, now: number): void {
    const count = this.#failuresOf(user, now)
    const since = count === 0 ? now : (this.#failures.get(user)?.since ?? now)
    this.#failures.set(user, { since, count: count + 1 })
  }
}

const isSame = (a: PeerAddress, b: PeerAddress): boolean =>
  a.port === b.port && a.host === b.host && a.tls === b.tls && a.peer === b.peer
