import { Bitmap } from '../../protocol/bitmap.ts'
import type { Extent } from '../../protocol/chunking.ts'

export type PeerId = string

/** What the picker knows of a peer: which chunks it holds, and which it is fetching from a seed itself. */
interface PickerPeer {
  have: Bitmap
  seed: boolean
  pending: Set<number>
  /** Chunks asked of this peer and not settled. */
  asked: Set<number>
  /** A peer that is too slow to count as a holder: seeds may be asked for what only it has. */
  snubbed: boolean
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
/** The rarest of this many is rare enough. */
const SAMPLE = 4096

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
  readonly #peers = new Map<PeerId, PickerPeer>()
  /** Per chunk: partial peers that hold it or are fetching it from a seed. */
  readonly #sources: Uint16Array
  /** Per chunk: peers that were asked for it. */
  readonly #copies: Uint8Array
  /** Chunks that are asked for and not here yet. */
  readonly #awaited: Bitmap
  /** Those of them that a peer keeps this side waiting for. */
  readonly #late: Bitmap
  /** Partial peers that hold something. */
  #partialPeers = 0
  #seeds = 0
  /** Everything below is held. */
  #low = 0

  constructor({ have, random, sequential }: PickerOptions) {
    this.#have = have
    this.#random = random
    this.#sequential = sequential
    this.#sources = new Uint16Array(have.size)
    this.#copies = new Uint8Array(have.size)
    this.#awaited = new Bitmap(have.size)
    this.#late = new Bitmap(have.size)
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

  /** Adds a peer; `have` is the picker's from then on. */
  addPeer(id: PeerId, have: Bitmap): void {
    this.removePeer(id)
    const peer = {
      have,
      seed: have.isFull,
      pending: new Set<number>(),
      asked: new Set<number>(),
      snubbed: false,
    }
    this.#peers.set(id, peer)
    if (peer.seed) this.#seeds++
    this.#count(peer, 1)
  }

  /** Forgets a peer; what was asked of it can be asked of others. */
  removePeer(id: PeerId): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    this.#count(peer, -1)
    for (const chunk of peer.asked) this.#release(chunk)
    if (peer.seed) this.#seeds--
    this.#peers.delete(id)
  }

  /** The peer got a chunk. True when that is something to ask it for. */
  peerHas(id: PeerId, chunk: number): boolean {
    const peer = this.#peers.get(id)
    if (!peer || chunk >= this.#have.size || peer.have.has(chunk)) return false
    if (!peer.pending.delete(chunk) && counts(peer)) this.#sources[chunk]!++
    if (counts(peer) && peer.have.count === 0) this.#partialPeers++
    peer.have.add(chunk)
    if (peer.have.isFull) {
      this.#count(peer, -1)
      peer.seed = true
      this.#seeds++
    }
    return !this.#have.has(chunk) && (this.#copies[chunk] === 0 || this.#late.has(chunk))
  }

  /** The peer is fetching a chunk from a seed, and will soon hold it. */
  peerPending(id: PeerId, chunk: number): void {
    const peer = this.#peers.get(id)
    if (!peer || chunk >= this.#have.size || peer.have.has(chunk) || peer.pending.has(chunk)) return
    peer.pending.add(chunk)
    if (counts(peer)) this.#sources[chunk]!++
  }

  /** What peers said to be fetching is not waited for any longer: some of it they may never get. */
  forgetPending(): void {
    for (const peer of this.#peers.values()) {
      if (counts(peer)) for (const chunk of peer.pending) this.#sources[chunk]!--
      peer.pending.clear()
    }
  }

  /** Whether the peer's holdings keep others from being asked of seeds. */
  snub(id: PeerId, snubbed: boolean): void {
    const peer = this.#peers.get(id)
    if (!peer || peer.snubbed === snubbed) return
    this.#count(peer, -1)
    peer.snubbed = snubbed
    this.#count(peer, 1)
  }

  isSeed(id: PeerId): boolean {
    return this.#peers.get(id)?.seed ?? false
  }

  /** The next extent to ask of this peer, at most `limit` chunks; null when it has nothing to be asked for now. */
  pick(id: PeerId, limit: number): Extent | null {
    const peer = this.#peers.get(id)
    if (!peer || this.done) return null
    while (this.#have.has(this.#low)) this.#low++
    const first = this.#sequential ? this.#firstInOrder(peer) : this.#rarest(peer)
    if (first !== null) return this.#take(peer, first, limit)
    const again = this.#lateElsewhere(peer)
    return again === null ? null : this.#take(peer, again, 1)
  }

  /** The peer keeps this side waiting for the extent: whoever has nothing better to do may be asked for it too. */
  late(id: PeerId, extent: Extent): void {
    const peer = this.#peers.get(id)
    for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++)
      if (peer?.asked.has(chunk) && this.#awaited.has(chunk)) this.#late.add(chunk)
  }

  /** A chunk came in, verified. False when it was here already. */
  received(chunk: number): boolean {
    this.#awaited.delete(chunk)
    this.#late.delete(chunk)
    return this.#have.add(chunk)
  }

  /** The peer is no longer asked for the extent: it was answered, failed or given up. */
  settled(id: PeerId, extent: Extent): void {
    const peer = this.#peers.get(id)
    for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++)
      if (peer?.asked.delete(chunk)) this.#release(chunk)
  }

  /** The peer turned out not to hold the chunks of the extent. */
  lacks(id: PeerId, extent: Extent): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    this.#count(peer, -1)
    if (peer.seed) this.#seeds--
    peer.seed = false
    for (let chunk = extent.first; chunk < extent.first + extent.count; chunk++) peer.have.delete(chunk)
    this.#count(peer, 1)
  }

  #firstInOrder(peer: PickerPeer): number | null {
    const end = Math.min(this.#have.size, this.#low + READ_AHEAD)
    for (let chunk = this.#low; chunk < end; chunk++) if (this.#isFree(peer, chunk)) return chunk
    return null
  }

  /**
   * The least sources win; among equals each has the same chance (reservoir sampling). Starts anywhere and
   * looks at no more than SAMPLE chunks that may be asked for, so that its cost is bounded however long the file.
   */
  #rarest(peer: PickerPeer): number | null {
    let best: number | null = null
    let fewest = peer.seed && this.sparesSeeds ? 0 : 0x10000
    let equals = 0
    let looked = 0
    const bytes = this.#have.bytes.length
    const start = Math.floor(this.#random() * bytes)
    for (let i = 0; i < bytes && looked < SAMPLE; i++) {
      const at = start + i < bytes ? start + i : start + i - bytes
      let free = peer.have.bytes[at]! & ~this.#have.bytes[at]! & ~this.#awaited.bytes[at]!
      for (; free !== 0; free &= free - 1) {
        const chunk = at * 8 + Math.clz32(free & -free) - 24
        const sources = this.#sources[chunk]!
        looked++
        if (sources > fewest) continue
        if (sources < fewest) {
          fewest = sources
          equals = 0
        }
        if (this.#random() * ++equals < 1) best = chunk
      }
    }
    return best
  }

  /** A chunk that another peer is late with. */
  #lateElsewhere(peer: PickerPeer): number | null {
    let best: number | null = null
    let seen = 0
    for (const chunk of both(peer.have.bytes, this.#late.bytes)) {
      if (this.#copies[chunk]! >= MOST_COPIES || peer.asked.has(chunk)) continue
      seen++
      if (this.#random() * seen < 1) best = chunk
    }
    return best
  }

  #isFree(peer: PickerPeer, chunk: number): boolean {
    return this.#copies[chunk] === 0 && !this.#have.has(chunk) && peer.have.has(chunk)
  }

  /** Takes `first` and what follows it for as long as it is free and as rare. */
  #take(peer: PickerPeer, first: number, limit: number): Extent {
    const sources = this.#sources[first]!
    let end = first
    do {
      this.#copies[end]!++
      this.#awaited.add(end)
      peer.asked.add(end++)
    } while (
      end - first < limit &&
      end < this.#have.size &&
      this.#isFree(peer, end) &&
      (this.#sequential || this.#sources[end]! <= sources)
    )
    return { first, count: end - first }
  }

  #release(chunk: number): void {
    if (--this.#copies[chunk]! > 0) return
    this.#awaited.delete(chunk)
    this.#late.delete(chunk)
  }

  #count(peer: PickerPeer, delta: 1 | -1): void {
    if (!counts(peer)) return
    if (peer.have.count > 0) this.#partialPeers += delta
    for (let chunk = 0; chunk < this.#have.size; chunk++)
      if (peer.have.has(chunk)) this.#sources[chunk]! += delta
    for (const chunk of peer.pending) this.#sources[chunk]! += delta
  }
}

const counts = (peer: PickerPeer): boolean => !peer.seed && !peer.snubbed

/** The chunks whose bits are set in both, in order. */
function* both(a: Uint8Array, b: Uint8Array): Generator<number> {
  for (let at = 0; at < a.length; at++)
    for (let bits = a[at]! & b[at]!; bits !== 0; bits &= bits - 1)
      yield at * 8 + Math.clz32(bits & -bits) - 24
}
