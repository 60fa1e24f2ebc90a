import { fileIdsOf } from '../../tracker-client/api/packed-files.ts'
import type { PeerPresence, PresenceChange } from '../../tracker-store/store.ts'
import { turn } from '../../tracker-store/turns.ts'
import { ExpiryBuckets } from './expiry-buckets.ts'
import { countFiles } from './served-files.ts'
import { type SetChange, setChanges } from './set-changes.ts'

export interface SwarmCounts {
  seeders: number
  leechers: number
}

interface Swarm extends SwarmCounts {
  group: string
  fileId: string
  /** Whether each peer holds the whole file. */
  peers: Map<Peer, boolean>
}

/** A known peer. The object stays the same while the peer is known. */
interface Peer {
  presence: PeerPresence
  swarms: Map<Swarm, boolean>
  /** Set while the swarms are updated in slices. Resolves once they match `presence`. */
  moving: Promise<void> | null
  /** Removed, but still leaving its swarms. */
  gone: boolean
}

/** Files that a peer enters or leaves in one turn of the event loop: about two milliseconds. */
export const SLICE = 1000

const NO_PEERS: SwarmCounts = { seeders: 0, leechers: 0 }

/**
 * The presence of all peers, in memory: peers by id, and swarms by group and file id. Announces and other replicas'
 * changes may arrive in any order; an outdated change has no effect.
 */
export class SwarmTable {
  readonly #peers = new Map<string, Peer>()
  readonly #groups = new Map<string, Map<string, Swarm>>()
  readonly #expiry = new ExpiryBuckets()
  #swarmCount = 0

  get peerCount(): number {
    return this.#peers.size
  }

  get swarmCount(): number {
    return this.#swarmCount
  }

  peer(id: string): Readonly<PeerPresence> | undefined {
    return this.#peers.get(id)?.presence
  }

  counts(group: string, fileId: string): SwarmCounts {
    return this.#groups.get(group)?.get(fileId) ?? NO_PEERS
  }

  /** The peers of a swarm, with whether each holds the whole file. */
  *swarm(group: string, fileId: string): Generator<[peer: Readonly<PeerPresence>, complete: boolean]> {
    const peers = this.#groups.get(group)?.get(fileId)?.peers ?? []
    for (const [{ presence, gone }, complete] of peers) if (!gone) yield [presence, complete]
  }

  /** The swarm without the peers of former members. */
  *membersSwarm(
    { group, members }: { group: string; members: { has(user: string): boolean } },
    fileId: string,
  ): Generator<[peer: Readonly<PeerPresence>, complete: boolean]> {
    for (const [presence, complete] of this.swarm(group, fileId))
      if (members.has(presence.user)) yield [presence, complete]
  }

  /** Non-null while the peer's long list is applied in slices: resolves once that is done. */
  settled(id: string): Promise<void> | null {
    return this.#peers.get(id)?.moving ?? null
  }

  /** Returns whether the change was new. */
  apply(change: PresenceChange): boolean {
    if (change.type === 'announce') return this.#announce(change.presence)
    const peer = this.#peers.get(change.peer)
    if (!peer) return false
    const known = peer.presence
    if (change.type === 'gone') {
      if (isOlder(change, known)) return false
      this.#drop(peer)
      this.#expiry.forget(known.peer)
      return true
    }
    if (known.sequence !== change.sequence || change.seen < known.seen) return false
    known.seen = change.seen
    return true
  }

  /**
   * Removes the peers of former members from the group's swarms. Their next heartbeats then count as unknown, so they
   * announce again the files that they serve to other groups.
   */
  expel(group: string, users: ReadonlySet<string>): void {
    for (const peer of this.#peers.values()) {
      const { user, files, sequence } = peer.presence
      if (!users.has(user) || !files.some((served) => served.group === group)) continue
      const others = files.filter((served) => served.group !== group)
      peer.presence = { ...peer.presence, files: others, sequence: sequence - 1 }
      this.#move(peer)
    }
  }

  /** Removes all peers last heard before `time` (milliseconds since the epoch), at most a second late. */
  expire(time: number): void {
    const lastSeen = (id: string): number => this.#peers.get(id)?.presence.seen ?? 0
    for (const id of this.#expiry.takeBefore(time, lastSeen)) {
      const peer = this.#peers.get(id)
      if (peer) this.#drop(peer)
    }
  }

  #announce(presence: PeerPresence): boolean {
    const known = this.#peers.get(presence.peer)
    if (known && isOlder(presence, known.presence)) return false
    const peer = known ?? { presence, swarms: new Map(), moving: null, gone: false }
    const changes = known && !peer.moving ? setChanges(known.presence.files, presence.files) : null
    peer.presence = { ...presence }
    if (!known) this.#peers.set(presence.peer, peer)
    if (changes === null) this.#move(peer)
    else for (const change of changes) this.#change(peer, change)
    this.#expiry.seen(presence.peer, presence.seen)
    return true
  }

  #drop(peer: Peer): void {
    peer.gone = true
    this.#peers.delete(peer.presence.peer)
    peer.presence = { ...peer.presence, files: [] }
    this.#move(peer)
  }

  /** Moves the peer from its previous swarms to those of its files: at once if these are few. */
  #move(peer: Peer): void {
    // A move that is already running continues to the newest set.
    if (peer.moving) return
    if (peer.swarms.size + countFiles(peer.presence.files) > SLICE) peer.moving = this.#moveInTurns(peer)
    else for (const _ of this.#slices(peer));
  }

  async #moveInTurns(peer: Peer): Promise<void> {
    let moved: PeerPresence['files']
    do {
      moved = peer.presence.files
      for (const _ of this.#slices(peer)) await turn()
    } while (moved !== peer.presence.files)
    peer.moving = null
  }

  /** Moves the peer, yielding before each slice. */
  *#slices(peer: Peer): Generator<void> {
    const before = peer.swarms
    peer.swarms = new Map()
    let done = 0
    for (const { group, complete, partial } of peer.presence.files)
      for (const [packed, isComplete] of [[complete, true] as const, [partial, false] as const])
        for (const fileId of fileIdsOf(packed)) {
          if (done++ % SLICE === 0) yield
          this.#enter(peer, this.#swarmOf(group, fileId), isComplete, before)
        }
    for (const [swarm, complete] of before) {
      if (done++ % SLICE === 0) yield
      if (!peer.swarms.has(swarm)) this.#leave(peer, swarm, complete)
    }
  }

  #change(peer: Peer, { group, fileId, complete }: SetChange): void {
    if (complete !== null) {
      this.#enter(peer, this.#swarmOf(group, fileId), complete, peer.swarms)
      return
    }
    const swarm = this.#groups.get(group)?.get(fileId)
    const was = swarm && peer.swarms.get(swarm)
    if (!swarm || was === undefined) return
    peer.swarms.delete(swarm)
    this.#leave(peer, swarm, was)
  }

  #enter(peer: Peer, swarm: Swarm, complete: boolean, before: ReadonlyMap<Swarm, boolean>): void {
    const was = peer.swarms.get(swarm) ?? before.get(swarm)
    peer.swarms.set(swarm, complete)
    if (was === complete) return
    if (was !== undefined) count(swarm, was, -1)
    count(swarm, complete, 1)
    swarm.peers.set(peer, complete)
  }

  #leave(peer: Peer, swarm: Swarm, complete: boolean): void {
    swarm.peers.delete(peer)
    count(swarm, complete, -1)
    if (swarm.peers.size > 0) return
    const swarms = this.#groups.get(swarm.group)
    swarms?.delete(swarm.fileId)
    this.#swarmCount--
    if (swarms?.size === 0) this.#groups.delete(swarm.group)
  }

  #swarmOf(group: string, fileId: string): Swarm {
    let swarms = this.#groups.get(group)
    if (!swarms) {
      swarms = new Map()
      this.#groups.set(group, swarms)
    }
    let swarm = swarms.get(fileId)
    if (!swarm) {
      // Copy it: a slice of a longer string would keep the whole string in memory.
      const id = Buffer.from(fileId, 'latin1').toString('latin1')
      swarm = { group, fileId: id, seeders: 0, leechers: 0, peers: new Map() }
      swarms.set(id, swarm)
      this.#swarmCount++
    }
    return swarm
  }
}

function count(swarm: Swarm, complete: boolean, by: number): void {
  if (complete) swarm.seeders += by
  else swarm.leechers += by
}

type Age = { sequence: number; seen: number }
const isOlder = (a: Age, b: Age): boolean =>
  a.sequence < b.sequence || (a.sequence === b.sequence && a.seen < b.seen)
