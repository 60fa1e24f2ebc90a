import type { PeerPresence, PresenceChange } from '../../tracker-store/store.ts'
import { ExpiryBuckets } from './expiry-buckets.ts'

export interface SwarmCounts {
  seeders: number
  leechers: number
}

interface Swarm extends SwarmCounts {
  /** Peer to whether it holds the whole file. */
  peers: Map<string, boolean>
}

const NOBODY: SwarmCounts = { seeders: 0, leechers: 0 }

/** The key under which presence knows a file of a group (a group's name has no slash). */
export const swarmKey = (group: string, fileId: string): string => `${group}/${fileId}`
export const groupOfKey = (key: string): string => key.slice(0, key.indexOf('/'))

/**
 * Who serves what, in memory: peers by id and swarms by "group/fileId". Fed by announces and by the other
 * replicas' changes in any order: a change older than what is known changes nothing.
 */
export class SwarmTable {
  readonly #peers = new Map<string, PeerPresence>()
  readonly #swarms = new Map<string, Swarm>()
  readonly #expiry = new ExpiryBuckets()

  get peerCount(): number {
    return this.#peers.size
  }

  get swarmCount(): number {
    return this.#swarms.size
  }

  peer(id: string): Readonly<PeerPresence> | undefined {
    return this.#peers.get(id)
  }

  counts(key: string): SwarmCounts {
    return this.#swarms.get(key) ?? NOBODY
  }

  /** The peers of a swarm, with whether each holds the whole file. */
  *swarm(key: string): Generator<[peer: Readonly<PeerPresence>, complete: boolean]> {
    for (const [id, complete] of this.#swarms.get(key)?.peers ?? []) {
      const peer = this.#peers.get(id)
      if (peer) yield [peer, complete]
    }
  }

  /** Whether the change was news. */
  apply(change: PresenceChange): boolean {
    if (change.type === 'announce') return this.#announce(change.presence)
    const known = this.#peers.get(change.peer)
    if (!known) return false
    if (change.type === 'gone') {
      if (isOlder(change, known)) return false
      this.#drop(known)
      this.#expiry.forget(known.peer)
      return true
    }
    if (known.sequence !== change.sequence || change.seen < known.seen) return false
    known.seen = change.seen
    this.#expiry.seen(known.peer, known.seen)
    return true
  }

  /**
   * Takes users' peers out of the swarms of a group that they are no longer members of. Their next heartbeats
   * are of an unknown set then, so that they announce again what they serve to others.
   */
  expel(group: string, users: ReadonlySet<string>): void {
    for (const peer of this.#peers.values()) {
      const left = users.has(peer.user) ? [...peer.files].filter(([key]) => groupOfKey(key) === group) : []
      if (left.length === 0) continue
      for (const [key, complete] of left) this.#leaveSwarm(key, peer.peer, complete)
      peer.files = new Map([...peer.files].filter(([key]) => groupOfKey(key) !== group))
      peer.sequence--
    }
  }

  /** Drops all peers that were last heard before `time` (milliseconds since the epoch), a second later at most. */
  expire(time: number): void {
    for (const id of this.#expiry.takeBefore(time)) {
      const peer = this.#peers.get(id)
      if (peer) this.#drop(peer)
    }
  }

  #announce(presence: PeerPresence): boolean {
    const known = this.#peers.get(presence.peer)
    if (known && isOlder(presence, known)) return false
    for (const [key, complete] of known?.files ?? [])
      if (!presence.files.has(key)) this.#leaveSwarm(key, presence.peer, complete)
    for (const [key, complete] of presence.files) this.#enterSwarm(key, presence.peer, complete)
    this.#peers.set(presence.peer, { ...presence })
    this.#expiry.seen(presence.peer, presence.seen)
    return true
  }

  #drop(peer: PeerPresence): void {
    for (const [key, complete] of peer.files) this.#leaveSwarm(key, peer.peer, complete)
    this.#peers.delete(peer.peer)
  }

  #enterSwarm(key: string, peer: string, complete: boolean): void {
    let swarm = this.#swarms.get(key)
    if (!swarm) {
      swarm = { seeders: 0, leechers: 0, peers: new Map() }
      this.#swarms.set(key, swarm)
    }
    const before = swarm.peers.get(peer)
    if (before === complete) return
    if (before !== undefined) count(swarm, before, -1)
    count(swarm, complete, 1)
    swarm.peers.set(peer, complete)
  }

  #leaveSwarm(key: string, peer: string, complete: boolean): void {
    const swarm = this.#swarms.get(key)
    if (!swarm?.peers.delete(peer)) return
    count(swarm, complete, -1)
    if (swarm.peers.size === 0) this.#swarms.delete(key)
  }
}

function count(swarm: Swarm, complete: boolean, by: number): void {
  if (complete) swarm.seeders += by
  else swarm.leechers += by
}

type Age = { sequence: number; seen: number }
const isOlder = (a: Age, b: Age): boolean =>
  a.sequence < b.sequence || (a.sequence === b.sequence && a.seen < b.seen)
