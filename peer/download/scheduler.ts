import { CHUNK_SIZE, type Extent } from '../../protocol/chunking.ts'
import type { Pace } from './pace.ts'
import type { PeerId, Picker } from './picker.ts'

export interface Choice {
  peer: PeerId
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

/** What is under way with one peer. Times are in milliseconds. */
interface Dealings {
  pace: Pace
  /** Its extents do not count as under way: it keeps this side waiting. */
  late: boolean
  /** By first chunk. */
  extents: Map<number, Extent>
  /** When it was last heard of: its last chunk, or the first request since it was idle. */
  heardAt: number
}

/**
 * Keeps every peer busy: decides who is asked next and for how much, and the picker for what. Only peers that
 * something happened to since the last round are looked at, so that a round costs what changed and not the
 * size of the swarm. What a peer is late with is asked of others too. Pure: the caller brings the time; the
 * swarm and the simulator (bench/simulate) run it.
 */
export class Scheduler {
  readonly #picker: Picker
  readonly #dealings = new Map<PeerId, Dealings>()
  /** Peers that may have something to be asked for, longest in waiting first; seeds apart. */
  readonly #awake = new Set<PeerId>()
  readonly #awakeSeeds = new Set<PeerId>()
  /** Chunks asked of peers that are not late. */
  #underway = 0
  /** When it was first seen that nothing is under way; null while something is. */
  #idleSince: number | null = null

  constructor(picker: Picker) {
    this.#picker = picker
  }

  /** The peer takes part from now on; the picker knows it already. */
  add(peer: PeerId, pace: Pace): void {
    this.remove(peer)
    this.#dealings.set(peer, { pace, late: false, extents: new Map(), heardAt: 0 })
    this.wake(peer)
  }

  remove(peer: PeerId): void {
    const dealings = this.#dealings.get(peer)
    if (!dealings) return
    if (!dealings.late) this.#underway -= chunksOf(dealings)
    this.#dealings.delete(peer)
    this.#awake.delete(peer)
    this.#awakeSeeds.delete(peer)
  }

  /** A chunk came from the peer. */
  heard(peer: PeerId, now: number): void {
    const dealings = this.#dealings.get(peer)
    if (!dealings) return
    dealings.heardAt = now
    if (!dealings.late) return
    dealings.late = false
    this.#underway += chunksOf(dealings)
    this.#picker.snub(peer, false)
  }

  /** What was chosen is no longer under way: it was answered, failed or given up. */
  settled(peer: PeerId, extent: Extent): void {
    this.#picker.settled(peer, extent)
    const dealings = this.#dealings.get(peer)
    if (!dealings?.extents.delete(extent.first)) return
    if (!dealings.late) this.#underway -= extent.count
    this.wake(peer)
  }

  /** Lets others be asked for what peers are late with, or promised and do not get. True when there is such. */
  checkLate(now: number): boolean {
    let found = this.#hasWaitedInVain(now)
    if (found) this.#picker.forgetPending()
    for (const [peer, dealings] of this.#dealings) {
      const { pace, extents, heardAt } = dealings
      if (extents.size === 0 || now - heardAt < patience(pace)) continue
      for (const extent of extents.values()) this.#picker.late(peer, extent)
      this.#picker.snub(peer, true)
      if (!dealings.late) this.#underway -= chunksOf(dealings)
      dealings.late = true
      found = true
    }
    if (found) this.wakeAll()
    return found
  }

  #hasWaitedInVain(now: number): boolean {
    const isBusy = [...this.#dealings.values()].some(({ extents }) => extents.size > 0)
    this.#idleSince = isBusy ? null : (this.#idleSince ?? now)
    return this.#idleSince !== null && now - this.#idleSince >= PATIENCE_MS
  }

  /** The peer may have something to be asked for: it got a chunk. */
  wake(peer: PeerId): void {
    if (!this.#dealings.has(peer)) return
    const isSeed = this.#picker.isSeed(peer)
    this.#awake.delete(peer)
    if (isSeed) this.#awakeSeeds.add(peer)
    else this.#awake.add(peer)
  }

  /** Any peer may: what was asked of one is free again, or fewer hold something than before. */
  wakeAll(): void {
    for (const peer of this.#dealings.keys()) this.wake(peer)
  }

  /**
   * One extent a peer in turns, until the window is full. A spared seed goes first, since what it may be asked
   * for comes from nobody else and the whole swarm waits for it; else partial peers do.
   */
  *next(now: number): Generator<Choice> {
    // Reading in order, every chunk moves the window.
    if (this.#picker.isSequential) this.wakeAll()
    const peers = Math.max(1, this.#dealings.size)
    const window = Math.max(WINDOW, Math.ceil(WINDOW_ALONE / peers))
    const fair = Math.ceil(Math.min(window, this.#picker.missing) / (2 * peers))
    while (this.#underway < window) {
      const peer = this.#choose()
      if (peer === null) return
      const dealings = this.#dealings.get(peer)!
      const limit = peers === 1 ? dealings.pace.extentLimit : Math.min(fair, dealings.pace.extentLimit)
      const extent = this.#picker.pick(peer, limit)
      if (!extent) continue
      if (dealings.extents.size === 0) dealings.heardAt = now
      dealings.extents.set(extent.first, extent)
      if (!dealings.late) this.#underway += extent.count
      if (this.#wantsMore(peer, dealings)) this.wake(peer)
      yield { peer, extent }
    }
  }

  #choose(): PeerId | null {
    const spared = this.#picker.sparesSeeds
    const [first, second] = spared ? [this.#awakeSeeds, this.#awake] : [this.#awake, this.#awakeSeeds]
    return this.#best(first) ?? this.#best(second)
  }

  /** Takes out the peer with the shortest wait among the first few; the others of them go to the back. */
  #best(awake: Set<PeerId>): PeerId | null {
    let best: { peer: PeerId; wait: number } | null = null
    const passed: PeerId[] = []
    let compared = 0
    for (const peer of awake) {
      const dealings = this.#dealings.get(peer)!
      if (!this.#wantsMore(peer, dealings)) {
        awake.delete(peer)
        continue
      }
      const wait = dealings.pace.wait * (1 + dealings.extents.size)
      if (!best || wait < best.wait) {
        if (best) passed.push(best.peer)
        best = { peer, wait }
      } else passed.push(peer)
      if (++compared === COMPARED) break
    }
    if (!best) return null
    awake.delete(best.peer)
    for (const peer of passed) {
      this.#dealings.get(peer)!.pace.wait *= FORGIVENESS
      awake.delete(peer)
      awake.add(peer)
    }
    return best.peer
  }

  /** A spared seed is asked for one extent at a time: what waits in its queue, others may get meanwhile. */
  #wantsMore(peer: PeerId, { pace, extents }: Dealings): boolean {
    if (this.#picker.sparesSeeds && this.#picker.isSeed(peer)) return extents.size === 0
    return pace.wantsMore(extents.size)
  }
}

const chunksOf = ({ extents }: Dealings): number =>
  [...extents.values()].reduce((sum, { count }) => sum + count, 0)

function patience({ rate }: Pace): number {
  return rate === 0 ? PATIENCE_MS : Math.max(PATIENCE_MS, (PATIENCE_CHUNKS * CHUNK_SIZE * 1000) / rate)
}
