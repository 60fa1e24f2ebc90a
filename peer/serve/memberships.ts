import { CLOCK_TOLERANCE_S, GRANT_LIFETIME_S, type GrantClaims } from '../../protocol/grants.ts'
import { steadyNow } from '../wire/steady-clock.ts'

/** How long a request waits for the group's members after a start: less than a fetcher's timeout. */
const PATIENCE_MS = 1500

/** The tracker's last news of one group. Times are in seconds since the epoch. */
interface Group {
  members: Set<string>
  askedAt: number
  /** Users who left or were removed since then. */
  removed: Map<string, number>
  /** Files removed since then. */
  withdrawn: Map<string, number>
}

/**
 * Knows who may be served: the members of each group that this peer shares files with, and the files removed from it.
 * A grant of a current member is valid. Any other grant is valid only if a tracker issued it after this peer's last
 * news, so a peer that is cut off still serves new members. Times are compared with a tolerance of CLOCK_TOLERANCE_S,
 * because the clocks of replicas and peers differ.
 */
export class Memberships {
  /** null if this peer's own user is not a member, or the group is gone. */
  readonly #groups = new Map<string, Group | null>()
  readonly #startedAt: number
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #listeners = new Set<() => void>()

  /** `startedAt` is when this peer began to follow removals, in seconds. */
  constructor(startedAt = steadyNow() / 1000) {
    this.#startedAt = startedAt
  }

  /** Calls back when valid grants may have become invalid. */
  onLoss(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Sets the group's members, as requested from a tracker at `askedAt`. */
  sync(group: string, members: Iterable<string>, askedAt: number): void {
    const known = this.#groups.get(group)
    const { removed, withdrawn } = known ?? { removed: new Map(), withdrawn: new Map() }
    const current = new Set(members)
    for (const user of current) removed.delete(user)
    this.#groups.set(group, { members: current, askedAt, removed, withdrawn })
    for (const wake of this.#waiting.get(group) ?? []) wake()
    if (known) this.#notifyLoss()
  }

  /** Refuses every grant of the group: this peer's user left it, or the group is gone. */
  close(group: string): void {
    if (this.#groups.get(group) === null) return
    this.#groups.set(group, null)
    for (const wake of this.#waiting.get(group) ?? []) wake()
    this.#notifyLoss()
  }

  accepted(group: string, users: readonly string[]): void {
    const known = this.#groups.get(group)
    for (const user of users) {
      known?.members.add(user)
      known?.removed.delete(user)
    }
  }

  removed(group: string, users: readonly string[], at: number): void {
    const known = this.#groups.get(group)
    if (!known) return
    for (const user of users) {
      known.members.delete(user)
      recordRemoval(known.removed, user, at)
    }
    this.#notifyLoss()
  }

  published(group: string, fileId: string): void {
    this.#groups.get(group)?.withdrawn.delete(fileId)
  }

  /** A file was removed at `at`. If the group has its content under another name, trackers issue new grants for it. */
  withdrawn(group: string, fileId: string, at: number): void {
    const known = this.#groups.get(group)
    if (!known) return
    recordRemoval(known.withdrawn, fileId, at)
    this.#notifyLoss()
  }

  /** Why the grant is invalid now; null if it is valid. */
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

  /** Resolves when the members of the group are known, or after PATIENCE_MS. */
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

  #notifyLoss(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Records the removal of a user or file, and drops removals that are older than any valid grant. */
function recordRemoval(ended: Map<string, number>, what: string, at: number): void {
  for (const [old, then] of ended)
    if (then + GRANT_LIFETIME_S + 2 * CLOCK_TOLERANCE_S < steadyNow() / 1000) ended.delete(old)
  ended.set(what, at)
}
