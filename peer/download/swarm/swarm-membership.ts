import type { SwarmPeer } from '../../../protocol/records.ts'
import type { JoinedSwarm } from '../../../tracker-client/api/schemas.ts'
import { steadyNow } from '../../wire/steady-clock.ts'
import type { JoinRequests } from './join-requests.ts'

/**
 * A download joins again soon, because peers that join together learn of each other only then, and later less and less
 * often. While it has no peers, it joins at every call of `renew`.
 */
export const FIRST_REJOIN_MS = 400
export const REJOIN_MS = 10_000
/** A grant is renewed this long before its end, or after half of its life if that is shorter. */
const GRANT_MARGIN_MS = 60_000

/** A download's membership of the swarm: it renews the grant in time, and gets fresh peers from the tracker. */
export class SwarmMembership {
  readonly #requests: JoinRequests
  readonly #file: { group: string; fileId: string }
  #joined: JoinedSwarm
  /** How long before its end the grant is renewed, in milliseconds. */
  #marginMs: number
  #joinedAt = performance.now()
  #pause = FIRST_REJOIN_MS
  #joining = false
  /** A peer refused the grant. */
  #refused = false

  private constructor(requests: JoinRequests, file: { group: string; fileId: string }, joined: JoinedSwarm) {
    this.#requests = requests
    this.#file = file
    this.#joined = joined
    this.#marginMs = marginOf(joined)
  }

  static async join(
    requests: JoinRequests,
    file: { group: string; fileId: string },
  ): Promise<SwarmMembership> {
    return new SwarmMembership(requests, file, await requests.join(file.group, file.fileId))
  }

  get joined(): JoinedSwarm {
    return this.#joined
  }

  get grant(): string {
    return this.#joined.grant
  }

  /** A peer refused the grant: the next renewal replaces it. */
  expire(): void {
    this.#joinedAt = Number.NEGATIVE_INFINITY
    this.#refused = true
  }

  /**
   * Joins again if that is due, and returns the peers handed out; null if it is not due. A valid grant is kept, because
   * each peer has to verify a new one. Throws the tracker's error.
   */
  async renew(now: number, peers: number): Promise<SwarmPeer[] | null> {
    const expiresSoon = Date.parse(this.#joined.expires) - steadyNow() < this.#marginMs
    if (this.#joining || !(expiresSoon || peers === 0 || now - this.#joinedAt > this.#pause)) return null
    this.#joining = true
    this.#joinedAt = now
    this.#pause = Math.min(REJOIN_MS, 2 * this.#pause)
    try {
      const fresh = await this.#requests.join(this.#file.group, this.#file.fileId)
      if (expiresSoon || this.#refused) {
        this.#joined = fresh
        this.#marginMs = marginOf(fresh)
      }
      this.#refused = false
      return fresh.peers
    } finally {
      this.#joining = false
    }
  }
}

const marginOf = ({ expires }: JoinedSwarm): number =>
  Math.min(GRANT_MARGIN_MS, (Date.parse(expires) - steadyNow()) / 2)
