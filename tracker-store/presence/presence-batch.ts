import type { PeerPresence, PresenceChange } from '../store.ts'

/** Most peers whose changes wait. Further ones are dropped: peers repeat themselves. */
const MAX_PEERS = 100_000

export const stampOf = (change: PresenceChange): Pick<PeerPresence, 'peer' | 'sequence' | 'seen'> =>
  change.type === 'announce' ? change.presence : change

/** The change that has the effect of `first`, then `second`, of one peer. */
export function merge(first: PresenceChange, second: PresenceChange): PresenceChange {
  if (stampOf(second).sequence < stampOf(first).sequence) return first
  if (second.type !== 'heartbeat' || first.type === 'heartbeat') return second
  // A heartbeat says nothing of the set, so what does must not be lost to it.
  if (stampOf(second).sequence > stampOf(first).sequence) return second
  if (first.type === 'gone') return first
  return { type: 'announce', presence: { ...first.presence, seen: second.seen } }
}

/** Characters that the files of a change take. */
export const lengthOf = (change: PresenceChange): number =>
  change.type === 'announce'
    ? change.presence.files.reduce((sum, { complete, partial }) => sum + complete.length + partial.length, 0)
    : 0

/** Changes that wait to be sent, one a peer. */
export class PresenceBatch {
  readonly #changes = new Map<string, PresenceChange>()

  get size(): number {
    return this.#changes.size
  }

  add(change: PresenceChange): void {
    const { peer } = stampOf(change)
    const earlier = this.#changes.get(peer)
    if (earlier === undefined && this.#changes.size >= MAX_PEERS) return
    this.#changes.set(peer, earlier === undefined ? change : merge(earlier, change))
  }

  /** Those that have waited longest, at most so many, and their files no longer than that, but for the first. */
  take(most = Number.POSITIVE_INFINITY, maxLength = Number.POSITIVE_INFINITY): PresenceChange[] {
    const changes: PresenceChange[] = []
    let length = 0
    for (const [peer, change] of this.#changes) {
      if (changes.length >= most) break
      length += lengthOf(change)
      if (changes.length > 0 && length > maxLength) break
      this.#changes.delete(peer)
      changes.push(change)
    }
    return changes
  }

  /** Takes changes back that could not be sent, behind those that came since. */
  restore(changes: readonly PresenceChange[]): void {
    const since = this.take()
    for (const change of [...changes, ...since]) this.add(change)
  }
}
