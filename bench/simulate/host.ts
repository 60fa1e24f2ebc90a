import type { Bitmap } from '../../protocol/bitmap.ts'
import type { SwarmPeer } from '../../protocol/records.ts'
import type { Clock } from './clock.ts'
import type { Leecher } from './leecher.ts'
import { Downlink, Flow, Uplink } from './links.ts'

/** What a request asked for, chunk by chunk, and whether it is the last of its extent. */
export interface Piece {
  server: Host
  chunk: number
  /** The extent as it was asked for, with its last chunk. */
  ends: { first: number; count: number; startedAt: number } | null
}

/** A machine of the simulated swarm: its links, what it holds, and who follows that. */
export class Host {
  readonly record: SwarmPeer
  readonly uplink: Uplink
  readonly downlink: Downlink
  readonly have: Bitmap
  /** Those who read this host's have-stream. */
  readonly followers = new Set<Leecher>()
  readonly #flows = new Map<Leecher, Flow<Piece>>()

  constructor(clock: Clock, record: SwarmPeer, rates: { up: number; down: number }, have: Bitmap) {
    this.record = record
    this.uplink = new Uplink(clock, rates.up)
    this.downlink = new Downlink(clock, rates.down)
    this.have = have
  }

  get id(): string {
    return this.record.peer
  }

  /** Answers a request: its chunks follow whatever the same leecher asked for before. */
  serve(leecher: Leecher, pieces: { bytes: number; mark: Piece }[]): void {
    let flow = this.#flows.get(leecher)
    if (!flow) {
      flow = new Flow(this.uplink, leecher.host.downlink, (piece: Piece) => leecher.receive(piece))
      this.#flows.set(leecher, flow)
    }
    for (const piece of pieces) flow.send(piece)
  }
}
