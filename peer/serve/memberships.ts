import { CLOCK_TOLERANCE_S, GRANT_LIFETIME_S, type GrantClaims } from '../../protocol/grants.ts'
import { steadyNow } from '../wire/steady-clock.ts'

/** How long a request waits for the group's members after a start: less than a fetcher waits for an answer. */
const PATIENCE_MS = 1500

/** One group as the tracker last told of it. Times are in seconds since the epoch. */
interface Group {
  members: Set<string>
  /** When the members were asked for. */
  askedAt: number
  /** Users who left or were removed since then. */
  removed: Map<string, number>
  /** Files that were removed since then. */
  withdrawn: Map<string, number>
}

/**
 * Who may be served, as far as the trackers have told: the members of each group that this peer shares files with,
 * and the files that were removed from it. A grant of a current member is good. For anybody else a grant counts only
 * if a tracker issued it after this peer last knew better: so a peer that is cut off still serves new members.
 * Dates are compared with CLOCK_TOLERANCE_S to spare, since replicas and peers have clocks of their own.
 */
export class Memberships {
  /** null: this peer's own user is no member, or the group is gone. */
  readonly #groups = new Map<string, Group | null>()
  readonly #startedAt: number
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #listeners = new Set<() => void>()

  /** `startedAt`: since when this peer would have heard of removals, had it been told. */
  constructor(startedAt = steadyNow() / 1000) {
    this.#startedAt = startedAt
  }

  /** Calls back when grants that were good may be so no longer. */
  onLoss(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** The group's members, asked of a tracker at `askedAt`. */
  sync(group: string, members: Iterable<string>, askedAt: number): void {
    const known = this.#groups.get(group)
    const { removed, withdrawn } = known ?? { removed: new Map(), withdrawn: new Map() }
    const current = new Set(members)
    for (const user of current) removed.delete(user)
    this.#groups.set(group, { members: current, askedAt, removed, withdrawn })
    for (const wake of this.#waiting.get(group) ?? []) wake()
    if (known) this.#lost()
  }

  /** This peer's user is no member any more, or the group is gone: nobody is served in it. */
  close(group: string): void {
    if (this.#groups.get(group) === null) return
    this.#groups.set(group, null)
    for (const wake of this.#waiting.get(group) ?? []) wake()
    this.#lost()
  }

  accepted(group: string, users: readonly string[]): void {
    const known = this.#groups.get(group)
    for (const user of users) {
      known?.members.add(user)
      known?.removed.delete(user)
    }
  }

  /** Users who left or were removed at `at`. */
  removed(group: string, users: readonly string[], at: number): void {
    const known = this.#groups.get(group)
    if (!known) return
    for (const user of users) {
      known.members.delete(user)
      note(known.removed, user, at)
    }
    this.#lost()
  }

  published(group: string, fileId: string): void {
    this.#groups.get(group)?.withdrawn.delete(fileId)
  }

  /** A file was removed at `at`: where its content has another name, a tracker issues new grants for it. */
  withdrawn(group: string, fileId: string, at: number): void {
    const known = this.#groups.get(group)
    if (!known) return
    note(known.withdrawn, fileId, at)
    this.#lost()
  }

  /** Why the grant is not good now, or null where it is. */
  refusal({ grp, sub, fid, iat }: GrantClaims): string | null {
    const known = this.#groups.get(grp)
    if (known === null) return 'this peer is no longer in the group'
    if (known === undefined)
      return iat > this.#startedAt + CLOCK_TOLERANCE_S ? null : 'this peer does not know the members yet'
    if (iat <= (known.withdrawn.get(fid) ?? 0)) return 'the file was removed'
    if (known.members.has(sub)) return null
    const since = known.removed.get(sub) ?? known.askedAt
    return iat > since + CLOCK_TOLERANCE_S ? null : 'the member was removed'
  }

  /** Resolves when the members of the group are known, or when that takes too long. */
  async known(group: string): Promise<void> {
    if (this.#groups.has(group)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = this.#waiting.get(group) ?? new Set()
    this.#waiting.set(group, waiting.add(resolve))
    const timer = setTimeout(resolve, PATIENCE_MS)
    await promise
    clearTimeout(timer)
    waiting.delete(resolve)
  }

  #lost(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Notes when something ended, and forgets what no grant can be older than. */
function note(ended: Map<string, number>, what: string, at: number): void {
  for (const [old, then] of ended)
    if (then + GRANT_LIFETIME_S + 2 * CLOCK_TOLERANCE_S < steadyNow() / 1000) ended.delete(old)
  ended.set(what, at)
}
