import { NEWS_MS } from '../../peer/serve/have-feed.ts'
import type { Bitmap } from '../../protocol/bitmap.ts'
import { PENDING } from '../../protocol/peer-wire.ts'
import type { SwarmPeer } from '../../protocol/records.ts'
import type { Clock } from './clock.ts'
import type { TimedEvent } from './event-heap.ts'
import { Downlink, Flow, Uplink } from './links.ts'

/** A reader of a host's have-stream. */
export interface Follower {
  /** Takes have-records in their wire form. */
  learn(records: readonly number[]): void
}

/** Whoever a host sends to, by its own host. */
interface Receiver {
  readonly host: Host
}

/** A machine in the simulated swarm: its links, its chunks, and the followers of its have-stream. */
export class Host implements TimedEvent {
  readonly record: SwarmPeer
  readonly uplink: Uplink
  readonly downlink: Downlink
  readonly have: Bitmap
  readonly followers = new Set<Follower>()
  readonly #clock: Clock
  readonly #flows = new Map<Receiver, Flow>()
  /** Have-records to send. */
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

  /** The flow to a leecher, which sends its chunks in the order of its requests. */
  flowTo(leecher: Receiver): Flow {
    let flow = this.#flows.get(leecher)
    if (!flow) {
      flow = new Flow(this.uplink, leecher.host.downlink)
      this.#flows.set(leecher, flow)
    }
    return flow
  }

  /**
   * Queues a have-record for the followers: a chunk arrived, or (`pending`) a seed is sending it. Batched.
   */
  tell(chunk: number, pending: boolean): void {
    if (this.#news.length === 0)
      this.#clock.at(Math.max(this.#clock.now, this.#toldAt + NEWS_MS / 1000), this)
    this.#news.push(pending ? (chunk | PENDING) >>> 0 : chunk)
  }

  /** Sends the queued records. */
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
