import type { Bitmap } from '../../../protocol/bitmap.ts'
import type { Extent } from '../../../protocol/chunking.ts'
import { ChunkSet } from './chunk-set.ts'
import { Rarity } from './rarity.ts'

/** What the picker knows of a peer. Only the picker changes it; others keep it as the peer's handle. */
export interface PickerPeer {
  readonly held: ChunkSet
  /** It held everything when it joined; one that got it since gives back what it took, and is not spared. */
  readonly seed: boolean
  /** Chunks that are said to be on their way from a seed: to this peer, or from it if it is one; null before the first. */
  pending: Set<number> | null
  /** What it says to be on its way counts, until some of that never came. */
  trusted: boolean
  /** What comes after the last extent that was asked of it. */
  next: number
  /** Chunks asked of this peer and not settled. */
  readonly asked: Set<number>
  /** A peer that is too slow to count as a holder: seeds may be asked for what only it has. */
  snubbed: boolean
  /** It was removed. */
  gone: boolean
}

export interface PickerOptions {
  /** The chunks that this side holds; the picker adds each that comes in. */
  have: Bitmap
  /** In [0, 1). */
  random(): number
  /** In order, for readers that follow; else rarest first. */
  sequential: boolean
}

/** A chunk is asked of at most this many peers at once, and of a second one only when the first is late. */
const MOST_COPIES = 2
/** Sequential reading looks this many chunks ahead: 32 MiB. */
const READ_AHEAD = 64
/** With this many partial peers to a seed, seeds are spared what those hold; with fewer, every uplink is needed. */
const MANY_PARTIAL_PEERS = 3
/** With this many others to a seed not all of them hear of each other in time: seeds are to tell what they are asked for. */
const CROWD = 12
/** Peers that are asked for extents this long are asked for whole blocks of the file. */
const LEAST_BLOCK = 16
/** Stands in `#copies` for a chunk that is here. */
const HELD = 0xff

/**
 * Chooses what to fetch from whom: the rarest extent that the peer holds, random among equals, so that
 * peers soon have different parts to trade (Cohen 2003, "Incentives build robustness in BitTorrent"). Seeds
 * are asked only for what no partial peer holds or is about to hold, so that the origin sends each chunk
 * about once. Pure: no clock, no I/O; randomness comes in.
 */
export class Picker {
  readonly #have: Bitmap
  readonly #random: () => number
  readonly #sequential: boolean
  readonly #peers = new Set<PickerPeer>()
  /** Partial peers that hold a chunk or are fetching it from a seed are its sources; only missing chunks' count. */
  readonly #rarity: Rarity
  /** Per chunk: peers that are asked for it, or HELD. */
  readonly #copies: Uint8Array
  /** Chunks that are asked for, not here yet, and that a peer keeps this side waiting for. */
  readonly #late = new Set<number>()
  /** Partial peers that hold something. */
  #partialPeers = 0
  #seeds = 0
  /** Everything below is held. */
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

  /** Chunks that are not held yet, asked for or not. */
  get missing(): number {
    return this.#have.size - this.#have.count
  }

  get isSequential(): boolean {
    return this.#sequential
  }

  /** Whether seeds are asked only for what no partial peer holds or is about to hold. */
  get sparesSeeds(): boolean {
    return this.#partialPeers >= MANY_PARTIAL_PEERS * Math.max(1, this.#seeds)
  }

  /** Whether seeds are to be followed for what they are asked for. */
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

  /** Forgets a peer; what was asked of it can be asked of others. */
  removePeer(peer: PickerPeer): void {
    if (!this.#peers.delete(peer)) return
    this.#count(peer, -1)
    for (const chunk of peer.asked) this.#release(chunk)
    if (peer.seed) this.#seeds--
    peer.gone = true
  }

  /** The peer got a chunk. True when that is something to ask it for. */
  peerHas(peer: PickerPeer, chunk: number): boolean {
    const copies = this.#copies[chunk]
    if (copies === undefined || peer.gone || !peer.held.add(chunk)) return false
    if (!peer.pending?.delete(chunk) && copies !== HELD && counts(peer)) this.#rarity.count(chunk, 1)
    if (peer.held.count === 1 && counts(peer)) this.#partialPeers++
    return copies === 0 || this.#late.has(chunk)
  }

  /** The peer is fetching a chunk from a seed, and will soon hold it; or a seed is asked for it by somebody. */
  peerPending(peer: PickerPeer, chunk: number): void {
    if (chunk >= this.#have.size || peer.gone || !peer.trusted || peer.pending?.has(chunk)) return
    // A seed tells what this side asks for, too: should that fail, it is free again.
    if (peer.seed ? peer.asked.has(chunk) : peer.held.has(chunk)) return
    peer.pending ??= new Set()
    peer.pending.add(chunk)
    if (!peer.snubbed) this.#countChunk(chunk, 1)
  }

  /**
   * What is said to be on its way is not waited for any longer. Peers who said it of chunks that nobody has got are
   * not believed again: one that lies could otherwise hold up each chunk for as long.
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

  /** Whether the peer's holdings keep others from being asked of seeds. */
  snub(peer: PickerPeer, snubbed: boolean): void {
    if (peer.gone || peer.snubbed === snubbed) return
    this.#count(peer, -1)
    peer.snubbed = snubbed
    this.#count(peer, 1)
  }

  /** The next extent to ask of this peer, at most `limit` chunks; null when it has nothing to be asked for now. */
  pick(peer: PickerPeer, limit: number): Extent | null {
    if (peer.gone || this.done) return null
    const first = this.#sequential ? this.#firstInOrder(peer) : this.#rarest(peer)
    if (first !== null) return this.#take(peer, first, limit)
    const again = this.#late.size === 0 ? null : this.#lateElsewhere(peer)
    return again === null ? null : this.#take(peer, again, 1)
  }

  /** The peer keeps this side waiting for the extent: whoever has nothing better to do may be asked for it too. */
  late(peer: PickerPeer, extent: Extent): void {
    for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++)
      if (peer.asked.has(chunk) && this.#copies[chunk] !== HELD) this.#late.add(chunk)
  }

  /** A chunk came in, verified. False when it was here already. */
  received(chunk: number): boolean {
    const copies = this.#copies[chunk]!
    if (copies === HELD) return false
    if (copies === 0) this.#rarity.delete(chunk)
    this.#late.delete(chunk)
    this.#copies[chunk] = HELD
    this.#have.add(chunk)
    return true
  }

  /** The peer is no longer asked for the extent: it was answered, failed or given up. */
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
   * A spared seed is asked for what follows the last: those who ask it do not all hear of each other at once, and
   * one that goes its way from a random start meets others seldom, where random choices would often be the same.
   */
  #rarest(peer: PickerPeer): number | null {
    const spared = peer.seed && this.sparesSeeds
    if (spared && this.#isFree(peer, peer.next) && this.#rarity.isOrphan(peer.next)) return peer.next
    return this.#rarity.rarest(peer.held, spared, this.#random)
  }

  /** A chunk that another peer is late with. */
  #lateElsewhere(peer: PickerPeer): number | null {
    let best: number | null = null
    let seen = 0
    for (const chunk of this.#late) {
      if (!peer.held.has(chunk) || this.#copies[chunk]! >= MOST_COPIES || peer.asked.has(chunk)) continue
      seen++
      if (this.#random() * seen < 1) best = chunk
    }
    return best
  }

  #isFree(peer: PickerPeer, chunk: number): boolean {
    return this.#copies[chunk] === 0 && peer.held.has(chunk)
  }

  /**
   * Takes `first` and its neighbours for as long as they are free and as rare: those behind it, and for a fast peer
   * those before it too, within one block of the file. Extents that begin anywhere would leave many short gaps.
   */
  #take(peer: PickerPeer, first: number, limit: number): Extent {
    const fits = (chunk: number): boolean =>
      this.#isFree(peer, chunk) && (this.#sequential || this.#rarity.isAsCommon(first, chunk))
    const block = limit < LEAST_BLOCK || this.#sequential ? 1 : 2 ** Math.floor(Math.log2(limit))
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

  /** Counts all that the peer holds or is fetching, once more or no longer. */
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

const counts = (peer: PickerPeer): boolean => !peer.seed && !peer.snubbed
