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
/** A peer that joins more files waits for its next announce: each join shares the peer's whole set with the fleet. */
const MAX_FILES_AT_JOIN = 64
const SWEEP_MS = 1000
/** A sweep this late means that the process was stopped. */
const LATE_MS = 5000

/** An announce, or a heartbeat, which confirms an earlier announce. */
export type AnnounceRequest = Announce | (Heartbeat & Partial<Announce>)

export interface AnnounceSender {
  user: string
  /** SHA-256 of the session's token. */
  tokenHash: string
  /** Observed source address. */
  host: string
  /** Those announced groups that the user is a member of. */
  groups: ReadonlySet<string>
}

/** One replica's presence: answers announces from memory and shares them with the fleet. */
export class Presence {
  readonly table = new SwarmTable()
  readonly reachability: Reachability
  readonly #store: PresenceStore
  #sweep: NodeJS.Timeout | undefined
  #swept = Date.now()
  #loading: Promise<void> | null = null
  /** Peers whose heartbeat arrived without the announce that it repeats. */
  readonly #missed = new Set<string>()
  #fetching = false

  readonly #failed: (error: unknown) => void

  /** `isOwn` recognises the tracker's own address, where no peer can be. */
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
    // After an outage of Redis the store reports again that changes may be missing.
    this.#failed = background.owner(
      'loading presence',
      'this replica does not find some peers until they announce again',
      isUnavailable,
    )
  }

  /** Loads the fleet's presence and follows its changes. */
  async start(): Promise<void> {
    this.#store.subscribe((change) => {
      if (change) this.#applyRemote(change)
      else this.#load().catch(this.#failed)
    })
    await untilRedisAnswers(() => this.#load())
    this.#sweep = setInterval(() => this.#expire(Date.now()), SWEEP_MS).unref()
  }

  stop(): void {
    clearInterval(this.#sweep)
  }

  /** Removes the peers of former members from the group's swarms. */
  changed(event: GroupEvent): void {
    if (event.type === 'member.kicked') this.table.expel(event.group, new Set(event.users))
    if (event.type === 'member.left') this.table.expel(event.group, new Set([event.user]))
  }

  /** The files of this announce, or of the announce that a heartbeat repeats. Membership of their groups is checked. */
  filesOf(request: AnnounceRequest): readonly { group: string }[] {
    return request.files ?? this.table.peer(request.peer)?.files ?? []
  }

  /**
   * Handles an announce or a heartbeat. Throws PEER_UNPROVEN if the user has not proven to own the peer's key, and
   * BAD_REQUEST if its sequence is ahead of the clock.
   */
  announce(from: AnnounceSender, request: AnnounceRequest): Announced {
    const now = Date.now()
    if (request.sequence > now + MAX_AHEAD_MS) throw tooFarAhead(request.sequence - now)
    const known = this.#proven(from, request, now)
    const interval = Math.round(INTERVAL_S * 1000 * (1 - JITTER + 2 * JITTER * Math.random())) / 1000
    if (!this.#take(from, request, known, now)) return { interval, resync: true }
    const fault = request.leaving ? null : this.#callBackIfDue(request.peer)
    return fault === null ? { interval, resync: false } : { interval, resync: false, fault }
  }

  /**
   * The peer's known presence, once its owner is verified. The user who announced that presence has proven ownership, here
   * or to another replica. Anybody else must prove it first, even another user of the same machine.
   */
  #proven(from: AnnounceSender, request: AnnounceRequest, now: number): Readonly<PeerPresence> | undefined {
    const known = this.table.peer(request.peer)
    if (known?.user === from.user) return known
    // A heartbeat or goodbye of an unknown peer has no effect.
    if (known === undefined && (request.leaving || !isFull(request))) return undefined
    const fault = request.hello
      ? helloFault(request.hello, request.peer, from.tokenHash, now)
      : 'the hello is missing'
    if (fault !== null) throw unproven(request.peer, fault)
    return known
  }

  /** Calls the peer back if that is due. Returns the result of the last call-back. */
  #callBackIfDue(id: string): CallBackFault | null {
    const peer = this.table.peer(id)
    if (!peer) return null
    this.reachability.check(peer, id)?.catch(this.#failed)
    return peer.reachable ? null : this.reachability.fault(peer, id)
  }

  /** Records, and shares with the other replicas, whether the peer is at its announced address. */
  #calledBack({ peer, host, port, tls }: Candidate, failures: number): void {
    const known = this.table.peer(peer)
    // Not the announced address: handedOut() asked for it, and only this replica needs the result.
    if (!known || known.host !== host || known.port !== port || known.tls !== tls) return
    const reachable = failures === 0
    // A reachable peer that is merely busy may miss one call-back.
    if ((known.reachable ?? false) === reachable || failures === 1) return
    this.#share({ type: 'announce', presence: { ...known, seen: Date.now(), reachable } })
  }

  /**
   * The peer asks for these files of the group, so it will soon have parts of them. Later joiners learn of it without
   * waiting for its announce. Unknown peers, and peers with many files, must announce.
   */
  joins(peer: string, user: string, group: string, fileIds: readonly string[]): void {
    const known = this.table.peer(peer)
    if (!known || known.user !== user || countFiles(known.files) + fileIds.length > MAX_FILES_AT_JOIN) return
    const files = withPartial(known.files, group, fileIds)
    if (files === known.files) return
    this.#share({ type: 'announce', presence: { ...known, seen: Date.now(), files } })
  }

  /** Returns whether the peer's set is known afterwards. */
  #take(
    from: AnnounceSender,
    request: AnnounceRequest,
    known: Readonly<PeerPresence> | undefined,
    seen: number,
  ): boolean {
    const { peer, sequence } = request
    if (request.leaving) return this.#share({ type: 'gone', peer, sequence, seen }) || true
    if (isFull(request)) {
      const files = servedIn(request.files, from.groups, known?.files)
      const { user, host } = from
      const { port, tls } = request
      const isAsBefore = known?.reachable === true && isSameSender(known, from, request)
      const reachable = isAsBefore || this.reachability.isProven({ peer, host, port, tls }, peer)
      return this.#share({
        type: 'announce',
        presence: { peer, sequence, seen, user, host, port, tls, reachable, files },
      })
    }
    if (!known || !isSameSender(known, from, request)) return false
    if (!known.files.every(({ group }) => from.groups.has(group))) return false
    return this.#share({ type: 'heartbeat', peer, sequence, seen, announced: known })
  }

  /** Applies a change from another replica. */
  #applyRemote(change: PresenceChange): void {
    if (this.table.apply(change) || change.type !== 'heartbeat') return
    if ((this.table.peer(change.peer)?.sequence ?? -1) >= change.sequence) return
    this.#missed.add(change.peer)
    // A failed read is repeated at the next heartbeat.
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

  /** Expires silent peers. After a stop of this process, first reads what they announced meanwhile. */
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

function isFull(request: AnnounceRequest): request is Announce & { files: NonNullable<Announce['files']> } {
  return request.files !== undefined
}

function tooFarAhead(ms: number): ShoalError {
  const seconds = Math.round(ms / 1000)
  return new ShoalError('BAD_REQUEST', `the sequence is ${seconds} s ahead of the tracker's clock`, {
    hint: 'sequences start at the clock in milliseconds: correct the clock of the peer or of the tracker',
  })
}

function unproven(peer: string, fault: string): ShoalError {
  const message = `the peer ${peer.slice(0, 16)} has not proven that it is yours: ${fault}`
  return new ShoalError('PEER_UNPROVEN', message, {
    hint: 'send an announce with a hello that the key of the peer has signed for this session',
  })
}

function isSameSender(
  known: Readonly<PeerPresence>,
  from: AnnounceSender,
  request: AnnounceRequest,
): boolean {
  const { port = known.port, tls = known.tls } = request
  return known.user === from.user && known.host === from.host && known.port === port && known.tls === tls
}
