import { ShoalError } from '../../protocol/errors.ts'
import type { PeerPresence, PresenceChange, PresenceStore } from '../../tracker-store/store.ts'
import type { Announce, Announced } from '../api/schemas.ts'
import { groupOfKey, SwarmTable, swarmKey } from './swarm-table.ts'

/** Seconds between a peer's announces, before jitter. */
const INTERVAL_S = 10
const JITTER = 0.2
const SWEEP_MS = 1000

export interface Announcer {
  user: string
  /** Observed source address. */
  host: string
  /** Those of the announced groups that the user is a member of. */
  groups: ReadonlySet<string>
}

/** Presence of one replica: answers announces from memory and shares them with the fleet. */
export class Presence {
  readonly table = new SwarmTable()
  readonly #store: PresenceStore
  #sweep: NodeJS.Timeout | undefined
  #loading: Promise<void> | null = null

  constructor(store: PresenceStore) {
    this.#store = store
  }

  /** Loads what the fleet knows and follows its changes. */
  async start(): Promise<void> {
    this.#store.subscribe((change) => {
      if (change) this.table.apply(change)
      // A failure here is one of Redis's, after which the store says again that changes may be missing.
      else this.#load().catch(() => {})
    })
    await this.#load()
    this.#sweep = setInterval(() => this.table.expire(Date.now() - this.#store.expiryMs), SWEEP_MS).unref()
  }

  stop(): void {
    clearInterval(this.#sweep)
  }

  /** The groups whose membership decides about this announce: its own, or a heartbeat's earlier ones. */
  groupsOf(body: Announce): Set<string> {
    if (body.files) return new Set(body.files.map((file) => file.group))
    return new Set([...(this.table.peer(body.peer)?.files.keys() ?? [])].map(groupOfKey))
  }

  /** Takes an announce or a heartbeat in; throws BAD_REQUEST where the peer is another user's. */
  announce(from: Announcer, body: Announce): Announced {
    const known = this.table.peer(body.peer)
    // A key pair is one user's at a time, but a machine may log in as somebody else.
    if (known && known.user !== from.user && known.host !== from.host)
      throw new ShoalError('BAD_REQUEST', `peer ${body.peer.slice(0, 16)} belongs to another user`)
    const interval = INTERVAL_S * (1 - JITTER + 2 * JITTER * Math.random())
    return { interval: Math.round(interval * 1000) / 1000, resync: !this.#take(from, body, known) }
  }

  /** Whether the peer's set is known after this. */
  #take(from: Announcer, body: Announce, known: Readonly<PeerPresence> | undefined): boolean {
    const stamp = { peer: body.peer, sequence: body.sequence, seen: Date.now() }
    if (body.leaving) return this.#share({ type: 'gone', ...stamp }) || true
    if (body.files) {
      const files = new Map<string, boolean>()
      for (const { group, fileId, complete } of body.files)
        if (from.groups.has(group)) files.set(swarmKey(group, fileId), complete)
      const { user, host } = from
      const presence = { ...stamp, user, host, port: body.port, tls: body.tls, files }
      return this.#share({ type: 'announce', presence })
    }
    if (!known || !isSameAnnouncer(known, from, body)) return false
    if (![...this.groupsOf(body)].every((group) => from.groups.has(group))) return false
    return this.#share({ type: 'heartbeat', ...stamp })
  }

  #share(change: PresenceChange): boolean {
    const news = this.table.apply(change)
    if (news) this.#store.push(change)
    return news
  }

  #load(): Promise<void> {
    this.#loading ??= this.#loadAll().finally(() => {
      this.#loading = null
    })
    return this.#loading
  }

  async #loadAll(): Promise<void> {
    for await (const presence of this.#store.load()) this.table.apply({ type: 'announce', presence })
  }
}

function isSameAnnouncer(known: Readonly<PeerPresence>, from: Announcer, body: Announce): boolean {
  const sameAddress = known.host === from.host && known.port === body.port && known.tls === body.tls
  return sameAddress && known.user === from.user
}
