import type { Bitmap } from '../../../protocol/bitmap.ts'
import { CHUNK_SIZE, type Extent } from '../../../protocol/chunking.ts'
import type { Pace } from './pace.ts'
import type { Picker, PickerPeer } from './picker.ts'

export interface Choice<P> {
  slot: PeerSlot<P>
  extent: Extent
}

/** A peer that sends nothing for this long while something is asked of it is late, however slow it may be. */
const PATIENCE_MS = 1000
/** A slow peer has the time of so many chunks at its rate. */
const PATIENCE_CHUNKS = 3
/**
 * Chunks under way in a swarm of many peers: enough to keep the downlink full over a round trip, and few
 * enough that nobody's queue gets long, since a chunk can travel on only once it is here.
 */
const WINDOW = 16
/** Chunks under way where there is one peer; several share it, down to WINDOW. */
const WINDOW_ALONE = 128
/** The best of so many peers is asked next: enough to keep the load even, without a look at all of them. */
const COMPARED = 3
/** A peer that was slow is thought a little faster each time another is preferred, so that it is tried again. */
const FORGIVENESS = 0.95

/** A peer that takes part in a download, and what is under way with it. Times are in milliseconds. */
export class PeerSlot<P> {
  /** Whom it stands for. */
  readonly of: P
  readonly peer: PickerPeer
  readonly pace: Pace
  /** By first chunk. */
  readonly extents = new Map<number, Extent>()
  /** Chunks of `extents`. */
  chunks = 0
  /** Its extents do not count as under way: it keeps this side waiting. */
  late = false
  /** When it was last heard of: its last chunk, or the first request since it was idle. */
  heardAt = 0
  /** It may have something to be asked for. */
  awake = false

  constructor(of: P, peer: PickerPeer, pace: Pace) {
    this.of = of
    this.peer = peer
    this.pace = pace
  }
}

/**
 * Keeps every peer busy: decides who is asked next and for how much, and the picker for what. Only peers that
 * something happened to since the last round are looked at, so that a round costs what changed and not the
 * size of the swarm. What a peer is late with is asked of others too. Pure: the caller brings the time; the
 * swarm and the simulator (bench/simulate) run it.
 */
export class Scheduler<P> {
  readonly #picker: Picker
  readonly #slots = new Set<PeerSlot<P>>()
  /** Peers that may have something to be asked for, longest in waiting first; seeds apart. */
  readonly #awake = new Set<PeerSlot<P>>()
  readonly #awakeSeeds = new Set<PeerSlot<P>>()
  /** Chunks asked of peers that are not late. */
  #underway = 0
  /** When it was first seen that nothing is under way; null while something is. */
  #idleSince: number | null = null

  constructor(picker: Picker) {
    this.#picker = picker
  }

  /** `of` holds `have` and takes part from now on; what is returned stands for it. */
  add(of: P, have: Bitmap, pace: Pace): PeerSlot<P> {
    const slot = new PeerSlot(of, this.#picker.addPeer(have), pace)
    this.#slots.add(slot)
    this.#wake(slot)
    return slot
  }

  /** It takes part no longer: what was asked of it can be asked of others. */
  remove(slot: PeerSlot<P>): void {
    if (!this.#slots.delete(slot)) return
    this.#picker.removePeer(slot.peer)
    if (!slot.late) this.#underway -= slot.chunks
    this.#sleep(slot)
    this.wakeAll()
  }

  /** The peer got a chunk. True when it can be asked for something now. */
  learned(slot: PeerSlot<P>, chunk: number): boolean {
    return this.#picker.peerHas(slot.peer, chunk) && this.#wake(slot)
  }

  /** The peer is fetching a chunk from a seed. */
  pending(slot: PeerSlot<P>, chunk: number): void {
    this.#picker.peerPending(slot.peer, chunk)
  }

  /** A chunk came from the peer. False when it was here already. */
  received(slot: PeerSlot<P>, chunk: number, now: number): boolean {
    slot.heardAt = now
    if (slot.late && this.#slots.has(slot)) {
      slot.late = false
      this.#underway += slot.chunks
      this.#picker.snub(slot.peer, false)
    }
    return this.#picker.received(chunk)
  }

  /** What was chosen is no longer under way: it was answered, failed or given up. */
  settled(slot: PeerSlot<P>, extent: Extent): void {
    this.#picker.settled(slot.peer, extent)
    if (!slot.extents.delete(extent.first)) return
    slot.chunks -= extent.count
    if (!this.#slots.has(slot)) return
    if (!slot.late) this.#underway -= extent.count
    this.#wake(slot)
  }

  /** Lets others be asked for what peers are late with, or promised and do not get. True when there is such. */
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

  /** This process was paused: no peer is late with what it could not take. */
  forgivePause(now: number): void {
    for (const slot of this.#slots) slot.heardAt = now
    this.#idleSince = null
  }

  /** Any peer may be asked: what was asked of one is free again, or fewer hold something than before. */
  wakeAll(): void {
    for (const slot of this.#slots) this.#wake(slot)
  }

  /**
   * Whom to ask next, and for what, until the window is full or nobody has anything. A spared seed goes first,
   * since what it may be asked for comes from nobody else and the whole swarm waits for it; else partial peers do.
   */
  next(now: number): Choice<P> | null {
    // Reading in order, every chunk moves the window.
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

  /** False when the peer has enough to do. */
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

  /** Takes out the peer with the shortest wait among the first few; the others of them go to the back. */
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

  /** A spared seed is asked for one extent at a time: what waits in its queue, others may get meanwhile. */
  #wantsMore({ peer, pace, extents }: PeerSlot<P>): boolean {
    if (peer.seed && this.#picker.sparesSeeds) return extents.size === 0
    return pace.wantsMore(extents.size)
  }
}

function patience({ rate }: Pace): number {
  return rate === 0 ? PATIENCE_MS : Math.max(PATIENCE_MS, (PATIENCE_CHUNKS * CHUNK_SIZE * 1000) / rate)
}
