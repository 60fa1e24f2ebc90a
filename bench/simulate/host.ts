import { NEWS_MS } from '../../peer/serve/news.ts'
import type { Bitmap } from '../../protocol/bitmap.ts'
import { PENDING } from '../../protocol/peer-wire.ts'
import type { SwarmPeer } from '../../protocol/records.ts'
import type { Clock, Happening } from './clock.ts'
import type { Leecher } from './leecher.ts'
import { Downlink, Flow, Uplink } from './links.ts'

/** Someone who reads a host's have-stream. */
export interface Follower {
  /** Have-records, as they stand on the wire. */
  learn(records: readonly number[]): void
}

/** A machine of the simulated swarm: its links, what it holds, and who follows that. */
export class Host implements Happening {
  readonly record: SwarmPeer
  readonly uplink: Uplink
  readonly downlink: Downlink
  readonly have: Bitmap
  readonly followers = new Set<Follower>()
  readonly #clock: Clock
  readonly #flows = new Map<Leecher, Flow>()
  /** Have-records that are not told yet. */
  #news: number[] = []
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, record: SwarmPeer, rates: { up: number; down: number }, have: Bitmap) {
    this.#clock = clock
    this.record = record
    this.uplink = new Uplink(clock, rates.up)
    this.downlink = new Downlink(rates.down)
    this.have = have
  }

  get id(): string {
    return this.record.peer
  }

  /** The flow to a leecher: what is sent follows whatever the same one asked for before. */
  flowTo(leecher: Leecher): Flow {
    let flow = this.#flows.get(leecher)
    if (!flow) {
      flow = new Flow(this.uplink, leecher.host.downlink)
      this.#flows.set(leecher, flow)
    }
    return flow
  }

  /** Tells the followers of a chunk that came in, or (`pending`) is on its way from a seed: soon, and many at once. */
  tell(chunk: number, pending: boolean): void {
    if (this.#news.length === 0)
      this.#clock.at(Math.max(this.#clock.now, this.#toldAt + NEWS_MS / 1000), this)
    this.#news.push(pending ? (chunk | PENDING) >>> 0 : chunk)
  }

  /** The news are sent. */
  happen(): void {
    const records = this.#news
    this.#news = []
    this.#toldAt = this.#clock.now
    this.#clock.later({
      happen: () => {
        for (const follower of this.followers) follower.learn(records)
      },
    })
  }
}
