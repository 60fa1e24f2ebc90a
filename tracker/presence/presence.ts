import type { Background } from '../../packed/background.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { helloFault, MAX_AHEAD_MS } from '../../protocol/hello.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import type { Announce, Announced, Heartbeat } from '../../tracker-client/api/schemas.ts'
import { isUnavailable, untilRedisAnswers } from '../../tracker-store/database.ts'
import type { PeerPresence, PresenceChange, PresenceStore } from '../../tracker-store/store.ts'
import type { CallBackFault } from './call-back.ts'
import { type Candidate, Reachability, type ReachabilityOptions } from './reachability.ts'
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
export type AnnounceRequest = Announce | (Heartbeat & Partial<Announce>)

export interface Announcer {
  user: string
  /** SHA-256 of the session's token. */
  tokenHash: string
  /** Observed source address. */
  host: string
  /** Those of the announced groups that the user is a member of. */
  groups: ReadonlySet<string>
}

/** Presence of one replica: answers announces from memory and shares them with the fleet. */
export class Presence {
  readonly table = new SwarmTable()
  readonly reachability: Reachability
  readonly #store: PresenceStore
  #sweep: NodeJS.Timeout | undefined
  #swept = Date.now()
  #loading: Promise<void> | null = null
  /** Peers of which a heartbeat came without the announce that it repeats. */
  readonly #missed = new Set<string>()
  #fetching = false

  readonly #failed: (error: unknown) => void

  /** `isOwn` tells the tracker's own address, at which no peer can be. */
  constructor(
    store: PresenceStore,
    background: Background,
    isOwn: ReachabilityOptions['isOwn'] = () => false,
  ) {
    this.#store = store
    this.reachability = new Reachability({
      isOwn,
      onVerdict: (candidate, failures) => this.#calledBack(candidate, failures),
    })
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
    await untilRedisAnswers(() => this.#load())
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
  filesOf(said: AnnounceRequest): readonly { group: string }[] {
    return said.files ?? this.table.peer(said.peer)?.files ?? []
  }

  /**
   * Takes an announce or a heartbeat in. Throws PEER_UNPROVEN where the user has not proven that the peer is theirs, and
   * BAD_REQUEST where its sequence is ahead of the time.
   */
  announce(from: Announcer, said: AnnounceRequest): Announced {
    const now = Date.now()
    if (said.sequence > now + MAX_AHEAD_MS) throw tooFarAhead(said.sequence - now)
    const known = this.#proven(from, said, now)
    const interval = Math.round(INTERVAL_S * 1000 * (1 - JITTER + 2 * JITTER * Math.random())) / 1000
    if (!this.#take(from, said, known, now)) return { interval, resync: true }
    const fault = said.leaving ? null : this.#look(said.peer)
    return fault === null ? { interval, resync: false } : { interval, resync: false, fault }
  }

  /**
   * What is known of the peer, once it is sure that it is the user's. Whoever announced what is known proved it, here or
   * to another replica; anybody else has to, also another user of the same machine.
   */
  #proven(from: Announcer, said: AnnounceRequest, now: number): Readonly<PeerPresence> | undefined {
    const known = this.table.peer(said.peer)
    if (known?.user === from.user) return known
    // Nothing comes of a heartbeat or a goodbye of a peer that is not known.
    if (known === undefined && (said.leaving || !isFull(said))) return undefined
    const fault = said.hello ? helloFault(said.hello, said.peer, from.tokenHash, now) : 'there is none'
    if (fault !== null) throw unproven(said.peer, fault)
    return known
  }

  /** Calls the peer back where that is due; tells what came of the last time. */
  #look(id: string): CallBackFault | null {
    const peer = this.table.peer(id)
    if (!peer) return null
    this.reachability.check(peer, id)?.catch(this.#failed)
    return peer.reachable ? null : this.reachability.fault(peer, id)
  }

  /** Keeps, and tells the other replicas, that a peer is at the address that it announced, or is not. */
  #calledBack({ peer, host, port, tls }: Candidate, failures: number): void {
    const known = this.table.peer(peer)
    // Another address than the announced one: handedOut() asked for that, and only this replica needs it.
    if (!known || known.host !== host || known.port !== port || known.tls !== tls) return
    const reachable = failures === 0
    // One that was there and is only busy may miss a call-back.
    if ((known.reachable ?? false) === reachable || failures === 1) return
    this.#share({ type: 'announce', presence: { ...known, seen: Date.now(), reachable } })
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
  #take(
    from: Announcer,
    said: AnnounceRequest,
    known: Readonly<PeerPresence> | undefined,
    seen: number,
  ): boolean {
    const { peer, sequence } = said
    if (said.leaving) return this.#share({ type: 'gone', peer, sequence, seen }) || true
    if (isFull(said)) {
      const files = servedIn(said.files, from.groups, known?.files)
      const { user, host } = from
      const { port, tls } = said
      const isAsBefore = known?.reachable === true && isSameAnnouncer(known, from, said)
      const reachable = isAsBefore || this.reachability.isProven({ peer, host, port, tls }, peer)
      return this.#share({
        type: 'announce',
        presence: { peer, sequence, seen, user, host, port, tls, reachable, files },
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

function isFull(said: AnnounceRequest): said is Announce & { files: NonNullable<Announce['files']> } {
  return said.files !== undefined
}

function tooFarAhead(ms: number): ShoalError {
  const seconds = Math.round(ms / 1000)
  return new ShoalError('BAD_REQUEST', `the sequence is ${seconds} s ahead of the tracker's clock`, {
    hint: 'sequences begin at the clock in milliseconds: set the clock of the peer or of the tracker right',
  })
}

function unproven(peer: string, fault: string): ShoalError {
  const message = `the peer ${peer.slice(0, 16)} has not proven that it is yours: ${fault}`
  return new ShoalError('PEER_UNPROVEN', message, {
    hint: 'announce with a hello that the key of the peer has signed for this session',
  })
}

function isSameAnnouncer(known: Readonly<PeerPresence>, from: Announcer, said: AnnounceRequest): boolean {
  const { port = known.port, tls = known.tls } = said
  return known.user === from.user && known.host === from.host && known.port === port && known.tls === tls
}
