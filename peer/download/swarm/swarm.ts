import { Bitmap } from '../../../protocol/bitmap.ts'
import { chunkLength, type Extent, extentBytes } from '../../../protocol/chunking.ts'
import { ShoalError } from '../../../protocol/errors.ts'
import type { SwarmPeer as HandedOut, PeerAddress } from '../../../protocol/records.ts'
import type { PeerState } from '../../control/api.ts'
import type { Credentials } from '../../wire/pinned-connect.ts'
import type { Picker } from '../plan/picker.ts'
import { type Choice, type PeerSlot, Scheduler } from '../plan/scheduler.ts'
import { followHave, type HaveListener, type HaveRequest } from './have-client.ts'
import { isLie, MAX_PEERS, MAX_PEERS_ASKING, SwarmPeer } from './swarm-peer.ts'

export interface Assignment {
  target: PeerAddress
  extent: Extent
  fromSeed: boolean
  /** Aborts when the peer leaves: its extents may then be asked of others. */
  left: AbortSignal
}

export interface SwarmOptions {
  fileId: string
  size: number
  chunks: number
  self: string
  credentials: Credentials
  ownPort: number
  picker: Picker
  /** The current grant. If a peer refuses it, `onStale` is called. */
  grant(): string
  onStale(): void
  /**
   * Fetches an extent, and calls `onChunk` for each chunk that is verified and written. Resolves with true if all of
   * them are, or false if that was not the peer's fault. Rejects with the peer's failure.
   */
  fetch(assignment: Assignment, onChunk: (chunk: number) => void): Promise<boolean>
  /** A chunk from `peer` is verified and written; `isNew` unless it was already held. */
  onChunk(peer: string, chunk: number, isNew: boolean): void
  onPeer(peer: string, state: PeerState, reason?: string): void
}

/**
 * The peers of one download: connects to them, follows what they hold, and keeps each busy with extents that the
 * picker chooses. A peer that lies is banned; one that fails is retried later.
 */
export class Swarm {
  readonly #options: SwarmOptions
  readonly #peers = new Map<string, SwarmPeer>()
  readonly #scheduler: Scheduler<SwarmPeer>
  /** One per have stream: ends it, so that it is opened again with the current grant. */
  readonly #streams = new Set<AbortController>()
  #grant: string
  #scheduled = false
  #closed = false

  constructor(options: SwarmOptions) {
    this.#options = options
    this.#grant = options.grant()
    this.#scheduler = new Scheduler(options.picker)
  }

  /** Verified bytes by peer. */
  get shares(): { peer: string; bytes: number }[] {
    return [...this.#peers.values()]
      .filter(({ bytes }) => bytes > 0)
      .map(({ address, bytes }) => ({ peer: address.peer, bytes }))
  }

  /** Peers that take part now. */
  get size(): number {
    return [...this.#peers.values()].filter(({ stop }) => stop !== null).length
  }

  /** Takes in peers that the tracker handed out, or (`asked`) that asked this one. Known peers keep their state. */
  offer(peers: readonly HandedOut[], asked = false): void {
    for (const { complete, ...address } of peers) {
      if (address.peer === this.#options.self || this.size >= (asked ? MAX_PEERS_ASKING : MAX_PEERS)) continue
      const known = this.#peers.get(address.peer)
      const peer = known ?? new SwarmPeer(address)
      if (!known) this.#peers.set(address.peer, peer)
      if (peer.mayStart(performance.now())) {
        peer.address = address
        this.#start(peer, complete && peer.believed)
      }
    }
  }

  /** Gives every peer its full time again after a pause of this process. */
  forgivePause(): void {
    this.#scheduler.forgivePause(performance.now())
  }

  /** Asks other peers for late chunks. Call it regularly. */
  checkLate(): void {
    if (!this.#scheduler.checkLate(performance.now())) return
    this.#schedule()
    for (const peer of this.#peers.values()) {
      if (!peer.slot?.late || peer.reportedLate) continue
      peer.reportedLate = true
      const reason = 'it keeps this side waiting, so others are asked for its chunks too'
      this.#options.onPeer(peer.address.peer, 'late', reason)
    }
  }

  /**
   * Call it regularly. It opens the have streams again with a fresh grant, before peers end the old ones, and retries
   * failed peers after their pause. While no peer takes part, it leaves that to the tracker, which is asked all the
   * time then and knows best who is there.
   */
  retry(): void {
    if (this.#options.grant() !== this.#grant) {
      this.#grant = this.#options.grant()
      for (const stream of [...this.#streams]) stream.abort()
    }
    const now = performance.now()
    const failed = [...this.#peers.values()].filter((peer) => peer.mayRetry(now))
    if (failed.length === 0 || this.size === 0) return
    for (const peer of failed) if (this.size < MAX_PEERS) this.#start(peer, false)
  }

  close(): void {
    this.#closed = true
    for (const { stop } of this.#peers.values()) stop?.abort()
  }

  /** Assigns extents to free peers, in the next turn of the event loop. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#closed) return
      for (;;) {
        const now = performance.now()
        const choice = this.#scheduler.next(now)
        if (choice === null) return
        this.#fetch(choice, now)
      }
    })
  }

  #fetch({ slot, extent }: Choice<SwarmPeer>, startedAt: number): void {
    const peer = slot.of
    const assignment = {
      target: peer.address,
      extent,
      fromSeed: slot.peer.seed,
      left: peer.stop!.signal,
    }
    const onChunk = (chunk: number): void => this.#received(peer, chunk)
    this.#options.fetch(assignment, onChunk).then(
      (isWhole) => isWhole && this.#fetched(peer, extent, startedAt),
      (error: Error) => this.#failed(peer, extent, startedAt, error),
    )
  }

  #received(peer: SwarmPeer, chunk: number): void {
    peer.bytes += chunkLength(this.#options.size, chunk)
    peer.reportedLate = false
    const isNew = peer.slot
      ? this.#scheduler.received(peer.slot, chunk, performance.now())
      : this.#options.picker.received(chunk)
    this.#options.onChunk(peer.address.peer, chunk, isNew)
  }

  #fetched(peer: SwarmPeer, extent: Extent, startedAt: number): void {
    if (startedAt < peer.startedAt) return
    const [start, end] = extentBytes(this.#options.size, extent)
    peer.succeeded(end - start, startedAt, performance.now())
    this.#settle(peer, extent)
  }

  #failed(peer: SwarmPeer, extent: Extent, startedAt: number, error: Error): void {
    const code = error instanceof ShoalError ? error.code : null
    // A broken connection fails all its requests. The first failure counts, and has settled the rest.
    const isOver = peer.stop === null || startedAt < peer.startedAt
    if (isOver && !isLie(code)) return
    this.#settle(peer, extent)
    this.#scheduler.wakeAll()
    if (code === 'CHUNK_NOT_HELD') {
      const denied = new ShoalError('CHUNK_NOT_HELD', 'it does not hold the chunks that it should hold')
      const next = peer.denied(performance.now())
      this.#leave(peer, denied)
      // Ask the peer what it holds, instead of believing that it is complete.
      if (next === 'ask') this.#start(peer, false)
      return
    }
    this.#fail(peer, error)
  }

  #settle({ slot }: SwarmPeer, extent: Extent): void {
    if (slot) this.#scheduler.settled(slot, extent)
    this.#schedule()
  }

  #start(peer: SwarmPeer, complete: boolean): void {
    if (this.#closed) return
    const { chunks } = this.#options
    const id = peer.address.peer
    const stop = new AbortController()
    peer.stop = stop
    peer.startedAt = performance.now()
    let slot: PeerSlot<SwarmPeer> | null = null
    const join = (have: Bitmap): void => {
      if (peer.stop !== stop) return
      if (slot) {
        this.#learnAll(slot, have)
        return
      }
      slot = this.#scheduler.add(peer, have, peer.pace)
      peer.slot = slot
      this.#options.onPeer(id, 'joined')
      this.#followSeeds()
      this.#schedule()
    }
    if (complete) {
      join(Bitmap.full(chunks))
      return
    }
    const listener = {
      onBitmap: join,
      onChunk: (chunk: number) => {
        if (slot && this.#scheduler.learned(slot, chunk)) this.#schedule()
      },
      onPending: (chunk: number) => {
        if (slot) this.#scheduler.pending(slot, chunk)
      },
    }
    this.#follow(peer, false, listener, stop.signal).catch((error: Error) => {
      if (peer.stop === stop) this.#fail(peer, error)
    })
  }

  /** In a crowd, follows what others ask of the seeds. These are only hints, so failures do not matter. */
  #followSeeds(): void {
    if (!this.#options.picker.isCrowded) return
    for (const peer of this.#peers.values()) {
      const { slot, stop } = peer
      if (peer.followed || !slot?.peer.seed || !stop) continue
      peer.followed = true
      const listener = {
        onBitmap: () => {},
        onChunk: () => {},
        onPending: (chunk: number) => this.#scheduler.pending(slot, chunk),
      }
      this.#follow(peer, true, listener, stop.signal).catch(() => {})
    }
  }

  /** Runs followHave, and opens it again with each fresh grant. */
  async #follow(peer: SwarmPeer, asked: boolean, listener: HaveListener, stop: AbortSignal): Promise<void> {
    for (let isOver = false; !isOver; ) {
      const stream = new AbortController()
      this.#streams.add(stream)
      const signal = AbortSignal.any([stop, stream.signal])
      await followHave(peer.address, this.#haveRequest(asked), listener, signal).finally(() => {
        this.#streams.delete(stream)
      })
      isOver = stop.aborted || !stream.signal.aborted
    }
  }

  /** Learns the chunks that the peer got between two have streams. */
  #learnAll(slot: PeerSlot<SwarmPeer>, have: Bitmap): void {
    const { held } = slot.peer
    for (let chunk = 0; chunk < have.size && held.count < have.count; chunk++)
      if (have.has(chunk) && !held.has(chunk)) this.#scheduler.learned(slot, chunk)
    this.#schedule()
  }

  #haveRequest(asked: boolean): HaveRequest {
    const { chunks, fileId, credentials, ownPort, grant } = this.#options
    return { fileId, chunks, grant: grant(), credentials, ownPort, asked }
  }

  #fail(peer: SwarmPeer, error: Error): void {
    const code = error instanceof ShoalError ? error.code : null
    // Permanent: a later failure for another reason does not lift it.
    peer.banned ||= isLie(code)
    if (code === 'GRANT_INVALID') {
      this.#options.onStale()
      peer.refused(performance.now())
    } else peer.failed(performance.now())
    this.#leave(peer, error)
  }

  #leave(peer: SwarmPeer, error: Error | null): void {
    if (peer.stop === null) return
    peer.stop.abort()
    peer.stop = null
    peer.followed = false
    if (peer.slot) this.#scheduler.remove(peer.slot)
    peer.slot = null
    this.#schedule()
    if (error) this.#options.onPeer(peer.address.peer, peer.banned ? 'banned' : 'left', error.message)
  }
}
