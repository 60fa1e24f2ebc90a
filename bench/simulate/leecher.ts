import { Pace } from '../../peer/download/pace.ts'
import { Picker } from '../../peer/download/picker.ts'
import { Scheduler } from '../../peer/download/scheduler.ts'
import { Bitmap } from '../../protocol/bitmap.ts'
import { chunkLength, extentBytes } from '../../protocol/chunking.ts'
import type { Clock } from './clock.ts'
import type { Host, Piece } from './host.ts'

/** Latencies until an answer begins on a new connection: TCP, TLS 1.3 and the request, a round trip each. */
const SETUP_LATENCIES = 5

export interface LeecherOptions {
  clock: Clock
  host: Host
  size: number
  random(): number
  onDone(leecher: Leecher): void
}

/** A host that fetches the file, as peer/download/swarm.ts does: the same picker, paces and scheduler. */
export class Leecher {
  readonly host: Host
  readonly startedAt: number
  finishedAt = Number.NaN
  /** Chunks that came in a second time. */
  duplicates = 0
  readonly #options: LeecherOptions
  readonly #picker: Picker
  readonly #scheduler: Scheduler
  readonly #peers = new Map<string, { host: Host; pace: Pace; connected: boolean }>()

  constructor(options: LeecherOptions) {
    this.#options = options
    this.host = options.host
    this.startedAt = options.clock.now
    this.#picker = new Picker({ have: this.host.have, random: options.random, sequential: false })
    this.#scheduler = new Scheduler(this.#picker)
  }

  get done(): boolean {
    return this.#picker.done
  }

  get connections(): number {
    return this.#peers.size
  }

  /** Takes a peer in, known from the tracker or because it asked this one. `mate` is null for the origin. */
  offer(host: Host, mate: Leecher | null, complete: boolean): void {
    if (this.done || host === this.host || this.#peers.has(host.id)) return
    this.#peers.set(host.id, { host, pace: new Pace(), connected: false })
    if (complete) this.#join(host, Bitmap.full(host.have.size))
    else this.#follow(host, mate)
  }

  #follow(host: Host, mate: Leecher | null): void {
    this.#after(SETUP_LATENCIES, () => {
      mate?.offer(this.host, this, false)
      const have = new Bitmap(host.have.size, host.have.bytes)
      host.followers.add(this)
      this.#after(1, () => this.#join(host, have))
    })
  }

  /** News from a have-stream. */
  learn(from: Host, chunk: number, pending: boolean): void {
    if (this.done) return
    if (pending) this.#picker.peerPending(from.id, chunk)
    else if (this.#picker.peerHas(from.id, chunk)) {
      this.#scheduler.wake(from.id)
      this.#schedule()
    }
  }

  /** A chunk came in whole. */
  receive({ server, chunk, ends }: Piece): void {
    const { clock, size } = this.#options
    this.#scheduler.heard(server.id, clock.now * 1000)
    if (this.#picker.received(chunk)) this.#tell(chunk, false)
    else this.duplicates++
    if (ends) {
      const [start, end] = extentBytes(size, ends)
      const { pace } = this.#peers.get(server.id)!
      pace.succeeded(end - start, ends.startedAt * 1000, clock.now * 1000)
      this.#scheduler.settled(server.id, ends)
    }
    if (!this.done) this.#schedule()
    else if (Number.isNaN(this.finishedAt)) this.#finish()
  }

  #finish(): void {
    this.finishedAt = this.#options.clock.now
    for (const { host } of this.#peers.values()) host.followers.delete(this)
    this.#options.onDone(this)
  }

  #join(host: Host, have: Bitmap): void {
    this.#picker.addPeer(host.id, have)
    this.#scheduler.add(host.id, this.#peers.get(host.id)!.pace)
    this.#schedule()
  }

  #schedule(): void {
    for (const { peer, extent } of this.#scheduler.next(this.#options.clock.now * 1000))
      this.#ask(this.#peers.get(peer)!, extent)
  }

  #ask(peer: { host: Host; connected: boolean }, extent: { first: number; count: number }): void {
    const { clock, size } = this.#options
    const server = peer.host
    const ends = { ...extent, startedAt: clock.now }
    const pieces = Array.from({ length: extent.count }, (_, i) => ({
      bytes: chunkLength(size, extent.first + i),
      mark: { server, chunk: extent.first + i, ends: i === extent.count - 1 ? ends : null },
    }))
    if (this.#picker.isSeed(server.id)) for (const { mark } of pieces) this.#tell(mark.chunk, true)
    this.#after(peer.connected ? 1 : SETUP_LATENCIES, () => server.serve(this, pieces))
    peer.connected = true
  }

  #tell(chunk: number, pending: boolean): void {
    if (this.host.followers.size === 0) return
    this.#after(1, () => {
      for (const follower of this.host.followers) follower.learn(this.host, chunk, pending)
    })
  }

  #after(latencies: number, act: () => void): void {
    const { clock } = this.#options
    if (latencies === 1) clock.later({ happen: act })
    else clock.at(clock.now + latencies * clock.latency, { happen: act })
  }
}
