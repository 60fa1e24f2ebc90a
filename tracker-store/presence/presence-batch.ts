import type { PeerPresence, PresenceChange } from '../store.ts'

/** The maximum of peers with waiting changes. More are dropped, because peers repeat their announces. */
const MAX_PEERS = 100_000

export const stampOf = (change: PresenceChange): Pick<PeerPresence, 'peer' | 'sequence' | 'seen'> =>
  change.type === 'announce' ? change.presence : change

/** Combines two successive changes of one peer into one. */
export function merge(first: PresenceChange, second: PresenceChange): PresenceChange {
  if (stampOf(second).sequence < stampOf(first).sequence) return first
  if (second.type !== 'heartbeat' || first.type === 'heartbeat') return second
  // A heartbeat does not carry the set of files, so it must not replace an announce.
  if (stampOf(second).sequence > stampOf(first).sequence) return second
  if (first.type === 'gone') return first
  return { type: 'announce', presence: { ...first.presence, seen: second.seen } }
}

/** Total length of a change's file ids. */
export const lengthOf = (change: PresenceChange): number =>
  change.type === 'announce'
    ? change.presence.files.reduce((sum, { complete, partial }) => sum + complete.length + partial.length, 0)
    : 0

/** Changes waiting to be sent, one per peer. */
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

  /** Takes the oldest changes, up to `most` and up to `maxLength` characters of file ids, but at least one. */
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

  /** Puts back changes that could not be sent, merging newer ones into them. */
  restore(changes: readonly PresenceChange[]): void {
    const since = this.take()
    for (const change of [...changes, ...since]) this.add(change)
  }
}
