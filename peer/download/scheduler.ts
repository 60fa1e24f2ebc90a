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

/** What is under way with one peer. Times are in milliseconds. */
interface Dealings {
  pace: Pace
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
  readonly #awake = new Set<PeerId>()
  /** When it was first seen that nothing is under way; null while something is. */
  #idleSince: number | null = null

  constructor(picker: Picker) {
    this.#picker = picker
  }

  /** The peer takes part from now on; the picker knows it already. */
  add(peer: PeerId, pace: Pace): void {
    this.#dealings.set(peer, { pace, extents: new Map(), heardAt: 0 })
    this.#awake.add(peer)
  }

  remove(peer: PeerId): void {
    this.#dealings.delete(peer)
    this.#awake.delete(peer)
  }

  /** A chunk came from the peer. */
  heard(peer: PeerId, now: number): void {
    const dealings = this.#dealings.get(peer)
    if (!dealings) return
    dealings.heardAt = now
    this.#picker.snub(peer, false)
  }

  /** What was chosen is no longer under way: it was answered, failed or given up. */
  settled(peer: PeerId, extent: Extent): void {
    this.#picker.settled(peer, extent)
    const dealings = this.#dealings.get(peer)
    if (dealings?.extents.delete(extent.first)) this.#awake.add(peer)
  }

  /** Lets others be asked for what peers are late with, or promised and do not get. True when there is such. */
  checkLate(now: number): boolean {
    let found = this.#hasWaitedInVain(now)
    if (found) this.#picker.forgetPending()
    for (const [peer, { pace, extents, heardAt }] of this.#dealings) {
      if (extents.size === 0 || now - heardAt < patience(pace)) continue
      for (const extent of extents.values()) this.#picker.late(peer, extent)
      this.#picker.snub(peer, true)
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
    if (this.#dealings.has(peer)) this.#awake.add(peer)
  }

  /** Any peer may: what was asked of one is free again, or fewer hold something than before. */
  wakeAll(): void {
    for (const peer of this.#dealings.keys()) this.#awake.add(peer)
  }

  /** Round by round, one extent a peer, so that all get a share however small the file; partial peers first. */
  *next(now: number): Generator<Choice> {
    // Reading in order, every chunk moves the window.
    if (this.#picker.isSequential) this.wakeAll()
    let free = [...this.#awake].filter((peer) => wantsMore(this.#dealings.get(peer)!))
    this.#awake.clear()
    const isSeed = (peer: PeerId): number => Number(this.#picker.isSeed(peer))
    free.sort((a, b) => isSeed(a) - isSeed(b))
    const fair = Math.ceil(this.#picker.missing / (2 * Math.max(1, this.#dealings.size)))
    while (free.length > 0) {
      const again: PeerId[] = []
      for (const peer of free) {
        const dealings = this.#dealings.get(peer)
        const extent = dealings && this.#picker.pick(peer, Math.min(fair, dealings.pace.extentLimit))
        if (!extent) continue
        if (dealings.extents.size === 0) dealings.heardAt = now
        dealings.extents.set(extent.first, extent)
        yield { peer, extent }
        if (wantsMore(dealings)) again.push(peer)
      }
      free = again
    }
  }
}

const wantsMore = ({ pace, extents }: Dealings): boolean => pace.wantsMore(extents.size)

function patience({ rate }: Pace): number {
  return rate === 0 ? PATIENCE_MS : Math.max(PATIENCE_MS, (PATIENCE_CHUNKS * CHUNK_SIZE * 1000) / rate)
}
