import type { Bitmap } from '../../../protocol/bitmap.ts'
import { CHUNK_SIZE, type Extent } from '../../../protocol/chunking.ts'
import type { Pace } from './pace.ts'
import type { Picker, PickerPeer } from './picker.ts'

export interface Choice<P> {
  slot: PeerSlot<P>
  extent: Extent
}

/** A peer is late if it owes an extent and sends nothing for at least this long. */
const PATIENCE_MS = 1000
/** A slow peer gets the time of this many chunks at its rate. */
const PATIENCE_CHUNKS = 3
/**
 * Chunks under way with many peers: enough to fill the downlink over a round trip, and few enough to keep queues
 * short, because a chunk can be passed on only after it has arrived.
 */
const WINDOW = 16
/** Chunks under way with one peer. Several peers share it, down to WINDOW. */
const WINDOW_ALONE = 128
/** The scheduler asks the best of this many peers: enough to balance the load without comparing all of them. */
const COMPARED = 3
/** Lowers a peer's expected wait each time another is preferred, so that a slow peer is tried again. */
const FORGIVENESS = 0.95

/** A peer that takes part in a download, and its extents under way. Times are in milliseconds. */
export class PeerSlot<P> {
  /** The caller's peer. */
  readonly of: P
  readonly peer: PickerPeer
  readonly pace: Pace
  /** Extents under way, by first chunk. */
  readonly extents = new Map<number, Extent>()
  /** The number of chunks in `extents`. */
  chunks = 0
  /** It keeps this side waiting, so its extents do not fill the window. */
  late = false
  /** When its last chunk arrived, or when it was asked first after being idle. */
  heardAt = 0
  /** It may have something to ask for. */
  awake = false

  constructor(of: P, peer: PickerPeer, pace: Pace) {
    this.of = of
    this.peer = peer
    this.pace = pace
  }
}

/**
 * Keeps every peer busy: decides whom to ask next and for how much; the picker decides for what. It looks only at
 * peers that changed since the last round, so a round's cost does not grow with the swarm. Extents of a late peer are
 * asked of others too. Pure: the caller passes the time. The swarm and the simulator (bench/simulate) run it.
 */
export class Scheduler<P> {
  readonly #picker: Picker
  readonly #slots = new Set<PeerSlot<P>>()
  /** Peers that may have something to ask for, the longest waiting first; seeds apart. */
  readonly #awake = new Set<PeerSlot<P>>()
  readonly #awakeSeeds = new Set<PeerSlot<P>>()
  /** Chunks under way at peers that are not late. */
  #underway = 0
  /** Since when nothing is under way; null while something is. */
  #idleSince: number | null = null

  constructor(picker: Picker) {
    this.#picker = picker
  }

  /** Adds a peer that holds `have`. The returned slot identifies it in later calls. */
  add(of: P, have: Bitmap, pace: Pace): PeerSlot<P> {
    const slot = new PeerSlot(of, this.#picker.addPeer(have), pace)
    this.#slots.add(slot)
    this.#wake(slot)
    return slot
  }

  /** Removes a peer. Its extents can be asked of others. */
  remove(slot: PeerSlot<P>): void {
    if (!this.#slots.delete(slot)) return
    this.#picker.removePeer(slot.peer)
    if (!slot.late) this.#underway -= slot.chunks
    this.#sleep(slot)
    this.wakeAll()
  }

  /** The peer got a chunk. True if it can be asked for something now. */
  learned(slot: PeerSlot<P>, chunk: number): boolean {
    return this.#picker.peerHas(slot.peer, chunk) && this.#wake(slot)
  }

  /** The peer is fetching a chunk from a seed. */
  pending(slot: PeerSlot<P>, chunk: number): void {
    this.#picker.peerPending(slot.peer, chunk)
  }

  /** A chunk arrived from the peer. False if it was already held. */
  received(slot: PeerSlot<P>, chunk: number, now: number): boolean {
    slot.heardAt = now
    if (slot.late && this.#slots.has(slot)) {
      slot.late = false
      this.#underway += slot.chunks
      this.#picker.snub(slot.peer, false)
    }
    return this.#picker.received(chunk)
  }

  /** The extent is no longer under way: it arrived, failed or was given up. */
  settled(slot: PeerSlot<P>, extent: Extent): void {
    this.#picker.settled(slot.peer, extent)
    if (!slot.extents.delete(extent.first)) return
    slot.chunks -= extent.count
    if (!this.#slots.has(slot)) return
    if (!slot.late) this.#underway -= extent.count
    this.#wake(slot)
  }

  /** Frees the extents of late peers, and pending chunks that do not arrive, for other peers. True if there are any. */
  checkLate(now: number): boolean {
    let found = this.#hasWaitedInVain(now)
    if (found) this.#picker.forgetPending()
    for (const slot of this.#slots) {
      if (slot.chunks === 0 || now - slot.heardAt < patience(slot.pace)) continue
      for (const extent of slot.extents.values()) this.#picker.late(slot.peer, extent)
      this.#picker.snub(slot.peer, true)
      if (!slot.late) this.#underway -= slot.chunks
      slot.late = true
      found = true
    }
    if (found) this.wakeAll()
    return found
  }

  /** Gives every peer its full time again after a pause of this process. */
  forgivePause(now: number): void {
    for (const slot of this.#slots) slot.heardAt = now
    this.#idleSince = null
  }

  /** Considers every peer in the next round, after chunks became free or lost a source. */
  wakeAll(): void {
    for (const slot of this.#slots) this.#wake(slot)
  }

  /**
   * The next peer to ask, and its extent; null if the window is full or no peer has anything. Spared seeds go first,
   * because the whole swarm waits for the chunks that only they have; otherwise partial peers do.
   */
  next(now: number): Choice<P> | null {
    // In sequential mode every chunk moves the window.
    if (this.#picker.isSequential) this.wakeAll()
    const peers = Math.max(1, this.#slots.size)
    const window = Math.max(WINDOW, Math.ceil(WINDOW_ALONE / peers))
    const fair = Math.ceil(Math.min(window, this.#picker.missing) / (2 * peers))
    while (this.#underway < window) {
      const slot = this.#choose()
      if (slot === null) return null
      const limit = peers === 1 ? slot.pace.extentLimit : Math.min(fair, slot.pace.extentLimit)
      const extent = this.#picker.pick(slot.peer, limit)
      if (!extent) continue
      if (slot.chunks === 0) slot.heardAt = now
      slot.extents.set(extent.first, extent)
      slot.chunks += extent.count
      if (!slot.late) this.#underway += extent.count
      this.#wake(slot)
      return { slot, extent }
    }
    return null
  }

  #hasWaitedInVain(now: number): boolean {
    let isBusy = false
    for (const { chunks } of this.#slots) isBusy ||= chunks > 0
    this.#idleSince = isBusy ? null : (this.#idleSince ?? now)
    return this.#idleSince !== null && now - this.#idleSince >= PATIENCE_MS
  }

  /** False if the peer has enough to do. */
  #wake(slot: PeerSlot<P>): boolean {
    if (slot.awake) return true
    if (!this.#wantsMore(slot)) return false
    slot.awake = true
    if (slot.peer.seed) this.#awakeSeeds.add(slot)
    else this.#awake.add(slot)
    return true
  }

  #sleep(slot: PeerSlot<P>): void {
    slot.awake = false
    this.#awake.delete(slot)
    this.#awakeSeeds.delete(slot)
  }

  #choose(): PeerSlot<P> | null {
    const spared = this.#picker.sparesSeeds
    const [first, second] = spared ? [this.#awakeSeeds, this.#awake] : [this.#awake, this.#awakeSeeds]
    return this.#best(first) ?? this.#best(second)
  }

  /** Removes and returns the peer with the shortest wait among the first few, and moves the other few to the back. */
  #best(awake: Set<PeerSlot<P>>): PeerSlot<P> | null {
    let best: PeerSlot<P> | null = null
    let shortest = 0
    const passed: PeerSlot<P>[] = []
    for (const slot of awake) {
      if (!this.#wantsMore(slot)) {
        this.#sleep(slot)
        continue
      }
      const wait = slot.pace.wait * (1 + slot.extents.size)
      if (best === null || wait < shortest) {
        if (best) passed.push(best)
        best = slot
        shortest = wait
      } else passed.push(slot)
      if (passed.length + 1 === COMPARED) break
    }
    if (!best) return null
    this.#sleep(best)
    for (const slot of passed) {
      slot.pace.wait *= FORGIVENESS
      awake.delete(slot)
      awake.add(slot)
    }
    return best
  }

  /** A spared seed is asked for one extent at a time: while chunks wait in its queue, other peers may get them. */
  #wantsMore({ peer, pace, extents }: PeerSlot<P>): boolean {
    if (peer.seed && this.#picker.sparesSeeds) return extents.size === 0
    return pace.wantsMore(extents.size)
  }
}

function patience({ rate }: Pace): number {
  return rate === 0 ? PATIENCE_MS : Math.max(PATIENCE_MS, (PATIENCE_CHUNKS * CHUNK_SIZE * 1000) / rate)
}
