import type { SwarmPeer } from '../../../protocol/records.ts'
import type { JoinedSwarm } from '../../../tracker-client/api/schemas.ts'
import { steadyNow } from '../../wire/steady-clock.ts'
import type { JoinRequests } from './join-requests.ts'

/**
 * Peers are asked for again soon, since those that join together learn of each other only then, and then less
 * and less often; at each renewal while there are none.
 */
export const FIRST_REJOIN_MS = 400
export const REJOIN_MS = 10_000
/** A grant is renewed so long before its end, or in the last half of a shorter life. */
const GRANT_MARGIN_MS = 60_000

/** A download's standing with the tracker: the grant that it fetches with, renewed in time, and fresh peers. */
export class SwarmMembership {
  readonly #tickets: JoinRequests
  readonly #file: { group: string; fileId: string }
  #ticket: JoinedSwarm
  /** Milliseconds before its end at which the ticket is renewed. */
  #marginMs: number
  #joinedAt = performance.now()
  #pause = FIRST_REJOIN_MS
  #joining = false
  /** A peer refused the grant. */
  #refused = false

  private constructor(tickets: JoinRequests, file: { group: string; fileId: string }, ticket: JoinedSwarm) {
    this.#tickets = tickets
    this.#file = file
    this.#ticket = ticket
    this.#marginMs = marginOf(ticket)
  }

  static async join(
    tickets: JoinRequests,
    file: { group: string; fileId: string },
  ): Promise<SwarmMembership> {
    return new SwarmMembership(tickets, file, await tickets.join(file.group, file.fileId))
  }

  get ticket(): JoinedSwarm {
    return this.#ticket
  }

  get grant(): string {
    return this.#ticket.grant
  }

  /** A peer refused the grant: the next renewal gets another. */
  expire(): void {
    this.#joinedAt = Number.NEGATIVE_INFINITY
    this.#refused = true
  }

  /**
   * Joins again where it is time to; answers the peers handed out then. The grant stays for as long as it is good,
   * since each peer has to verify one that is new to it. Throws the tracker's error.
   */
  async renew(now: number, peers: number): Promise<SwarmPeer[] | null> {
    const runsOut = Date.parse(this.#ticket.expires) - steadyNow() < this.#marginMs
    if (this.#joining || !(runsOut || peers === 0 || now - this.#joinedAt > this.#pause)) return null
    this.#joining = true
    this.#joinedAt = now
    this.#pause = Math.min(REJOIN_MS, 2 * this.#pause)
    try {
      const fresh = await this.#tickets.join(this.#file.group, this.#file.fileId)
      if (runsOut || this.#refused) {
        this.#ticket = fresh
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
