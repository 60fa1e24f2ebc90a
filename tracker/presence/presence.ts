import type { Background } from '../../packed/background.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import { isUnavailable, patiently } from '../../tracker-store/database.ts'
import type { PeerPresence, PresenceChange, PresenceStore } from '../../tracker-store/store.ts'
import type { Announce, Announced, Heartbeat } from '../api/schemas.ts'
import { countFiles, servedIn, withPartial } from './served-files.ts'
import { SwarmTable } from './swarm-table.ts'

/** Seconds between a peer's announces, before jitter. */
const INTERVAL_S = 10
const JITTER = 0.2
/** With more than this the next announce is soon enough: each of these shares the whole set with the fleet. */
const MAX_FILES_AT_JOIN = 64
const SWEEP_MS = 1000
/** A sweep that comes so long after the one before: this process was stopped. */
const LATE_MS = 5000

/** An announce, or a heartbeat: that an earlier one still holds. */
export type Said = Announce | (Heartbeat & Partial<Announce>)

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
  #swept = Date.now()
  #loading: Promise<void> | null = null
  /** Peers of which a heartbeat came without the announce that it repeats. */
  readonly #missed = new Set<string>()
  #fetching = false

  readonly #failed: (error: unknown) => void

  constructor(store: PresenceStore, background: Background) {
    this.#store = store
    // After an outage of Redis the store says again that changes may be missing.
    this.#failed = background.owner(
      'loading presence',
      'some peers are not found here until they announce again',
      isUnavailable,
    )
  }

  /** Loads what the fleet knows and follows its changes. */
  async start(): Promise<void> {
    this.#store.subscribe((change) => {
      if (change) this.#hear(change)
      else this.#load().catch(this.#failed)
    })
    await patiently(() => this.#load())
    this.#sweep = setInterval(() => this.#expire(Date.now()), SWEEP_MS).unref()
  }

  stop(): void {
    clearInterval(this.#sweep)
  }

  /** Takes peers of users who are no longer members out of the group's swarms. */
  changed(event: GroupEvent): void {
    if (event.type === 'member.kicked') this.table.expel(event.group, new Set(event.users))
    if (event.type === 'member.left') this.table.expel(event.group, new Set([event.user]))
  }

  /** The files whose groups' members decide about this announce: its own, or a heartbeat's earlier ones. */
  filesOf(said: Said): readonly { group: string }[] {
    return said.files ?? this.table.peer(said.peer)?.files ?? []
  }

  /** What is known of a peer that a request speaks for; throws BAD_REQUEST where it is another user's. */
  known(peer: string, from: Pick<Announcer, 'user' | 'host'>): Readonly<PeerPresence> | undefined {
    const known = this.table.peer(peer)
    // A key pair is one user's at a time, but a machine may log in as someone else.
    if (known && known.user !== from.user && known.host !== from.host)
      throw new ShoalError('BAD_REQUEST', `peer ${peer.slice(0, 16)} belongs to another user`)
    return known
  }

  /** Takes an announce or a heartbeat in; throws BAD_REQUEST where the peer is another user's. */
  announce(from: Announcer, said: Said): Announced {
    const known = this.known(said.peer, from)
    const interval = INTERVAL_S * (1 - JITTER + 2 * JITTER * Math.random())
    return { interval: Math.round(interval * 1000) / 1000, resync: !this.#take(from, said, known) }
  }

  /**
   * A peer asks for these files of the group, and so will soon have parts of them: those that ask next are told
   * of it without waiting for its announce. Peers that are not known here, or have much to say, announce.
   */
  joins(peer: string, user: string, group: string, fileIds: readonly string[]): void {
    const known = this.table.peer(peer)
    if (!known || known.user !== user || countFiles(known.files) + fileIds.length > MAX_FILES_AT_JOIN) return
    const files = withPartial(known.files, group, fileIds)
    if (files === known.files) return
    this.#share({ type: 'announce', presence: { ...known, seen: Date.now(), files } })
  }

  /** Whether the peer's set is known after this. */
  #take(from: Announcer, said: Said, known: Readonly<PeerPresence> | undefined): boolean {
    const { peer, sequence } = said
    const seen = Date.now()
    if (said.leaving) return this.#share({ type: 'gone', peer, sequence, seen }) || true
    if (isFull(said)) {
      const files = servedIn(said.files, from.groups, known?.files)
      const { user, host } = from
      const { port, tls } = said
      return this.#share({
        type: 'announce',
        presence: { peer, sequence, seen, user, host, port, tls, files },
      })
    }
    if (!known || !isSameAnnouncer(known, from, said)) return false
    if (!known.files.every(({ group }) => from.groups.has(group))) return false
    return this.#share({ type: 'heartbeat', peer, sequence, seen, announced: known })
  }

  /** Takes in what another replica says. */
  #hear(change: PresenceChange): void {
    if (this.table.apply(change) || change.type !== 'heartbeat') return
    if ((this.table.peer(change.peer)?.sequence ?? -1) >= change.sequence) return
    this.#missed.add(change.peer)
    // What fails here is asked for again at the next heartbeat.
    if (!this.#fetching) this.#fetchMissed().catch(this.#failed)
  }

  async #fetchMissed(): Promise<void> {
    this.#fetching = true
    try {
      while (this.#missed.size > 0) {
        const peers = [...this.#missed]
        this.#missed.clear()
        for (const presence of await this.#store.read(peers)) this.table.apply({ type: 'announce', presence })
      }
    } finally {
      this.#fetching = false
    }
  }

  /** Forgets silent peers; after a stop of this process only once it has heard what they said meanwhile. */
  #expire(now: number): void {
    if (now - this.#swept > LATE_MS) this.#load().catch(this.#failed)
    this.#swept = now
    if (this.#loading === null) this.table.expire(now - this.#store.expiryMs)
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

function isFull(said: Said): said is Announce & { files: NonNullable<Announce['files']> } {
  return said.files !== undefined
}

function isSameAnnouncer(known: Readonly<PeerPresence>, from: Announcer, said: Said): boolean {
  const { port = known.port, tls = known.tls } = said
  return known.user === from.user && known.host === from.host && known.port === port && known.tls === tls
}
