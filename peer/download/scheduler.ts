import type { Extent } from '../../protocol/chunking.ts'
import type { Pace } from './pace.ts'
import type { PeerId, Picker } from './picker.ts'

export interface Choice {
  peer: PeerId
  extent: Extent
}

/**
 * Keeps every peer busy: decides who is asked next and for how much, and the picker for what. Only peers that
 * something happened to since the last round are looked at, so that a round costs what changed and not the
 * size of the swarm. Pure; the swarm and the simulator (bench/simulate) run it.
 */
export class Scheduler {
  readonly #picker: Picker
  readonly #paces = new Map<PeerId, Pace>()
  readonly #awake = new Set<PeerId>()
  #wasEndgame = false

  constructor(picker: Picker) {
    this.#picker = picker
  }

  /** The peer takes part from now on; the picker knows it already. */
  add(peer: PeerId, pace: Pace): void {
    this.#paces.set(peer, pace)
    this.#awake.add(peer)
  }

  remove(peer: PeerId): void {
    this.#paces.delete(peer)
    this.#awake.delete(peer)
  }

  /** The peer may have something to be asked for: it settled an extent or got a chunk. */
  wake(peer: PeerId): void {
    if (this.#paces.has(peer)) this.#awake.add(peer)
  }

  /** Any peer may: what was asked of one is free again, or fewer hold something than before. */
  wakeAll(): void {
    for (const peer of this.#paces.keys()) this.#awake.add(peer)
  }

  /** Round by round, one extent a peer, so that all get a share however small the file; partial peers first. */
  *next(): Generator<Choice> {
    // Reading in order, every chunk moves the window; the endgame gives idle peers something once, at its start.
    const { inEndgame } = this.#picker
    if (this.#picker.isSequential || (inEndgame && !this.#wasEndgame)) this.wakeAll()
    this.#wasEndgame = inEndgame
    let free = [...this.#awake].filter((peer) => this.#paces.get(peer)!.wantsMore)
    this.#awake.clear()
    const isSeed = (peer: PeerId): number => Number(this.#picker.isSeed(peer))
    free.sort((a, b) => isSeed(a) - isSeed(b))
    const fair = Math.ceil(this.#picker.missing / (2 * Math.max(1, this.#paces.size)))
    while (free.length > 0) {
      const again: PeerId[] = []
      for (const peer of free) {
        const pace = this.#paces.get(peer)
        const extent = pace && this.#picker.pick(peer, Math.min(fair, pace.extentLimit))
        if (!extent) continue
        pace.underway++
        yield { peer, extent }
        if (pace.wantsMore) again.push(peer)
      }
      free = again
    }
  }
}
