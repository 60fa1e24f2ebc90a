import type { Bitmap } from '../../../protocol/bitmap.ts'
import type { Extent } from '../../../protocol/chunking.ts'
import { ChunkSet } from './chunk-set.ts'
import { Rarity } from './rarity.ts'

/** The picker's state of a peer. Only the picker changes it; others use it as a handle. */
export interface PickerPeer {
  readonly held: ChunkSet
  /** It held everything when it joined. A peer that completes the file later is not spared: it gives back what it took. */
  readonly seed: boolean
  /** Chunks reported to be under way from a seed: to this peer, or from it if it is a seed. null before the first. */
  pending: Set<number> | null
  /** Its pending claims are believed until one fails to arrive. */
  trusted: boolean
  /** The chunk after the last extent asked of it. */
  next: number
  /** Chunks asked of this peer and not settled. */
  readonly asked: Set<number>
  /** It is too slow to count as a source, so seeds may be asked for chunks that only it holds. */
  snubbed: boolean
  gone: boolean
}

export interface PickerOptions {
  /** Chunks that this side holds. The picker adds each that arrives. */
  have: Bitmap
  /** In [0, 1). */
  random(): number
  /** In order, for a reader that follows the download; else rarest first. */
  sequential: boolean
}

/** A chunk is asked of at most this many peers at once, and of a second only when the first is late. */
const MAX_COPIES = 2
/** Sequential reading looks this many chunks ahead: 32 MiB. */
const READ_AHEAD = 64
/** With this many partial peers per seed, seeds are spared. With fewer, every uplink is needed. */
const MANY_PARTIAL_PEERS = 3
/** With this many other peers per seed, they hear of each other too late, so seeds report what they are asked for. */
const CROWD = 12
/** Peers with extents of at least this many chunks are asked for whole blocks of the file. */
const MIN_BLOCK = 16
/** Marks a held chunk in `#copies`. */
const HELD = 0xff

/**
 * Chooses what to fetch from a peer: the rarest extent that it holds, random among equals, so that peers soon have
 * different parts to trade (Cohen 2003, "Incentives build robustness in BitTorrent"). Seeds are asked only for chunks
 * that no partial peer holds or will soon hold, so that the origin sends each chunk about once. Pure: no clock, no
 * I/O; the caller passes the randomness.
 */
export class Picker {
  readonly #have: Bitmap
  readonly #random: () => number
  readonly #sequential: boolean
  readonly #peers = new Set<PickerPeer>()
  /** A missing chunk's sources are the partial peers that hold it or are fetching it from a seed. */
  readonly #rarity: Rarity
  /** Per chunk: the number of peers asked for it, or HELD. */
  readonly #copies: Uint8Array
  /** Requested chunks that a peer is late with. */
  readonly #late = new Set<number>()
  /** Partial peers that hold at least one chunk. */
  #partialPeers = 0
  #seeds = 0
  /** All chunks below this one are held. */
  #low = 0

  constructor({ have, random, sequential }: PickerOptions) {
    this.#have = have
    this.#random = random
    this.#sequential = sequential
    this.#rarity = new Rarity(have.size)
    this.#copies = new Uint8Array(have.size)
    for (let chunk = 0; chunk < have.size; chunk++)
      if (have.has(chunk)) this.#copies[chunk] = HELD
      else this.#rarity.add(chunk)
  }

  get done(): boolean {
    return this.#have.isFull
  }

  /** The number of chunks not held yet, requested or not. */
  get missing(): number {
    return this.#have.size - this.#have.count
  }

  get isSequential(): boolean {
    return this.#sequential
  }

  /** Whether seeds are asked only for chunks that no partial peer holds or will soon hold. */
  get sparesSeeds(): boolean {
    return this.#partialPeers >= MANY_PARTIAL_PEERS * Math.max(1, this.#seeds)
  }

  /** Whether to follow what others ask of the seeds. */
  get isCrowded(): boolean {
    return this.#seeds > 0 && this.#peers.size - this.#seeds >= CROWD * this.#seeds
  }

  addPeer(have: Bitmap): PickerPeer {
    const peer: PickerPeer = {
      held: ChunkSet.from(have),
      seed: have.isFull,
      pending: null,
      trusted: true,
      next: 0,
      asked: new Set(),
      snubbed: false,
      gone: false,
    }
    this.#peers.add(peer)
    if (peer.seed) this.#seeds++
    this.#count(peer, 1)
    return peer
  }

  /** Forgets a peer. Its requested chunks can be asked of others. */
  removePeer(peer: PickerPeer): void {
    if (!this.#peers.delete(peer)) return
    this.#count(peer, -1)
    for (const chunk of peer.asked) this.#release(chunk)
    if (peer.seed) this.#seeds--
    peer.gone = true
  }

  /** The peer got a chunk. True if it can be asked for that. */
  peerHas(peer: PickerPeer, chunk: number): boolean {
    const copies = this.#copies[chunk]
    if (copies === undefined || peer.gone || !peer.held.add(chunk)) return false
    if (!peer.pending?.delete(chunk) && copies !== HELD && isSource(peer)) this.#rarity.count(chunk, 1)
    if (peer.held.count === 1 && isSource(peer)) this.#partialPeers++
    return copies === 0 || this.#late.has(chunk)
  }

  /** The peer is fetching a chunk from a seed and will soon hold it; or it is a seed that is asked for the chunk. */
  peerPending(peer: PickerPeer, chunk: number): void {
    if (chunk >= this.#have.size || peer.gone || !peer.trusted || peer.pending?.has(chunk)) return
    // A seed also reports this side's requests. They do not count: if one fails, its chunk must be free again.
    if (peer.seed ? peer.asked.has(chunk) : peer.held.has(chunk)) return
    peer.pending ??= new Set()
    peer.pending.add(chunk)
    if (!peer.snubbed) this.#countChunk(chunk, 1)
  }

  /**
   * Stops waiting for pending chunks. Peers that reported chunks which nobody got are not believed again: otherwise a
   * liar could delay every chunk.
   */
  forgetPending(): void {
    for (const peer of this.#peers)
      if (!peer.snubbed) for (const chunk of peer.pending ?? []) this.#countChunk(chunk, -1)
    for (const peer of this.#peers) {
      for (const chunk of peer.pending ?? [])
        if (this.#copies[chunk] === 0 && this.#rarity.isOrphan(chunk)) peer.trusted = false
      peer.pending = null
    }
  }

  /** A snubbed peer does not count as a source. */
  snub(peer: PickerPeer, snubbed: boolean): void {
    if (peer.gone || peer.snubbed === snubbed) return
    this.#count(peer, -1)
    peer.snubbed = snubbed
    this.#count(peer, 1)
  }

  /** The next extent to ask of this peer, at most `limit` chunks; null if there is none now. */
  pick(peer: PickerPeer, limit: number): Extent | null {
    if (peer.gone || this.done) return null
    const first = this.#sequential ? this.#firstInOrder(peer) : this.#rarest(peer)
    if (first !== null) return this.#take(peer, first, limit)
    const again = this.#late.size === 0 ? null : this.#lateElsewhere(peer)
    return again === null ? null : this.#take(peer, again, 1)
  }

  /** The peer is late with the extent: idle peers may be asked for it too. */
  late(peer: PickerPeer, extent: Extent): void {
    for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++)
      if (peer.asked.has(chunk) && this.#copies[chunk] !== HELD) this.#late.add(chunk)
  }

  /** A verified chunk arrived. False if it was already held. */
  received(chunk: number): boolean {
    const copies = this.#copies[chunk]!
    if (copies === HELD) return false
    if (copies === 0) this.#rarity.delete(chunk)
    this.#late.delete(chunk)
    this.#copies[chunk] = HELD
    this.#have.add(chunk)
    return true
  }

  /** The extent is no longer under way at the peer: it arrived, failed or was given up. */
  settled(peer: PickerPeer, extent: Extent): void {
    if (peer.gone) return
    for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++)
      if (peer.asked.delete(chunk)) this.#release(chunk)
  }

  #firstInOrder(peer: PickerPeer): number | null {
    while (this.#copies[this.#low] === HELD) this.#low++
    const end = Math.min(this.#have.size, this.#low + READ_AHEAD)
    for (let chunk = this.#low; chunk < end; chunk++) if (this.#isFree(peer, chunk)) return chunk
    return null
  }

  /**
   * Asks a spared seed for the chunks that follow its last extent. Its clients hear of each other late: random choices
   * would often collide, while sequences from random starts seldom do.
   */
  #rarest(peer: PickerPeer): number | null {
    const spared = peer.seed && this.sparesSeeds
    if (spared && this.#isFree(peer, peer.next) && this.#rarity.isOrphan(peer.next)) return peer.next
    return this.#rarity.rarest(peer.held, spared, this.#random)
  }

  #lateElsewhere(peer: PickerPeer): number | null {
    let best: number | null = null
    let seen = 0
    for (const chunk of this.#late) {
      if (!peer.held.has(chunk) || this.#copies[chunk]! >= MAX_COPIES || peer.asked.has(chunk)) continue
      seen++
      if (this.#random() * seen < 1) best = chunk
    }
    return best
  }

  #isFree(peer: PickerPeer, chunk: number): boolean {
    return this.#copies[chunk] === 0 && peer.held.has(chunk)
  }

  /**
   * Takes `first` and its neighbours that are free and as rare: the ones after it and, for a fast peer, also the ones
   * before it within one block of the file. Extents with arbitrary starts would leave many short gaps.
   */
  #take(peer: PickerPeer, first: number, limit: number): Extent {
    const fits = (chunk: number): boolean =>
      this.#isFree(peer, chunk) && (this.#sequential || this.#rarity.isAsCommon(first, chunk))
    const block = limit < MIN_BLOCK || this.#sequential ? 1 : 2 ** Math.floor(Math.log2(limit))
    let start = first
    while (start % block > 0 && fits(start - 1)) start--
    const limitEnd = Math.min(this.#have.size, block === 1 ? first + limit : start - (start % block) + block)
    let end = first
    while (end + 1 < limitEnd && fits(end + 1)) end++
    for (let chunk = start; chunk <= end; chunk++) {
      if (this.#copies[chunk]!++ === 0) this.#rarity.delete(chunk)
      peer.asked.add(chunk)
    }
    peer.next = end + 1
    return { first: start, count: end + 1 - start }
  }

  #release(chunk: number): void {
    if (this.#copies[chunk] === HELD || --this.#copies[chunk]! > 0) return
    this.#rarity.add(chunk)
    this.#late.delete(chunk)
  }

  /** Adds (1) or removes (-1) the peer as a source of all chunks that it holds or is fetching. */
  #count(peer: PickerPeer, delta: 1 | -1): void {
    if (peer.snubbed) return
    for (const chunk of peer.pending ?? []) this.#countChunk(chunk, delta)
    if (peer.seed) return
    if (peer.held.count > 0) this.#partialPeers += delta
    for (const chunk of peer.held) this.#countChunk(chunk, delta)
  }

  #countChunk(chunk: number, delta: 1 | -1): void {
    if (this.#copies[chunk] !== HELD) this.#rarity.count(chunk, delta)
  }
}

/** Whether the peer is a source of the chunks that it holds. */
const isSource = (peer: PickerPeer): boolean => !peer.seed && !peer.snubbed
