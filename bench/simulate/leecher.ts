import { Pace } from '../../peer/download/plan/pace.ts'
import { Picker } from '../../peer/download/plan/picker.ts'
import { type PeerSlot, Scheduler } from '../../peer/download/plan/scheduler.ts'
import { MAX_PEERS, MAX_PEERS_ASKING } from '../../peer/download/swarm/swarm-peer.ts'
import { Bitmap } from '../../protocol/bitmap.ts'
import { chunkLength, type Extent, extentBytes } from '../../protocol/chunking.ts'
import { PENDING } from '../../protocol/peer-wire.ts'
import type { Clock } from './clock.ts'
import type { TimedEvent } from './event-heap.ts'
import type { Follower, Host } from './host.ts'

/**
 * Latencies until an answer begins on a new connection: a round trip each for TCP, TLS 1.3 and the request.
 */
const SETUP_LATENCIES = 5
/** The same as in a download (peer/download/download.ts). */
const TICK_SECONDS = 0.25

export interface LeecherOptions {
  clock: Clock
  host: Host
  size: number
  random(): number
  onDone(leecher: Leecher): void
}

/** A host that fetches the file with the picker, paces and scheduler that peer/download/swarm/swarm.ts uses. */
export class Leecher implements TimedEvent {
  readonly host: Host
  readonly startedAt: number
  finishedAt = Number.NaN
  /** Chunks that arrived a second time. */
  duplicates = 0
  readonly #options: LeecherOptions
  readonly #picker: Picker
  readonly #scheduler: Scheduler<Known>
  readonly #known = new Map<Host, Known>()

  constructor(options: LeecherOptions) {
    this.#options = options
    this.host = options.host
    this.startedAt = options.clock.now
    this.#picker = new Picker({ have: this.host.have, random: options.random, sequential: false })
    this.#scheduler = new Scheduler(this.#picker)
    options.clock.at(options.clock.now + TICK_SECONDS, this)
  }

  get done(): boolean {
    return this.#picker.done
  }

  get connections(): number {
    return this.#known.size
  }

  /** A tick: asks other peers for late chunks. */
  happen(): void {
    if (this.done) return
    const { clock } = this.#options
    if (this.#scheduler.checkLate(clock.now * 1000)) this.#schedule()
    clock.at(clock.now + TICK_SECONDS, this)
  }

  /**
   * Adds a peer: from the tracker, or (`asked`) because it contacted this one. `leecher` is null for the origin.
   */
  offer(host: Host, leecher: Leecher | null, complete: boolean, asked: boolean): void {
    if (this.done || host === this.host || this.#known.has(host)) return
    if (this.#known.size >= (asked ? MAX_PEERS_ASKING : MAX_PEERS)) return
    const known = new Known(this, host)
    this.#known.set(host, known)
    if (complete) this.join(known, Bitmap.full(host.have.size))
    else this.#follow(known, leecher)
  }

  #follow(known: Known, leecher: Leecher | null): void {
    const { host } = known
    this.#after(SETUP_LATENCIES, () => {
      leecher?.offer(this.host, this, false, true)
      const have = new Bitmap(host.have.size, host.have.bytes)
      host.followers.add(known)
      this.#after(1, () => this.join(known, have))
    })
  }

  /** Handles records from a have-stream. */
  learn(slot: PeerSlot<Known>, records: readonly number[]): void {
    if (this.done) return
    let wakes = false
    for (const record of records)
      if (record >= PENDING) this.#scheduler.pending(slot, (record & ~PENDING) >>> 0)
      else if (this.#scheduler.learned(slot, record)) wakes = true
    if (wakes) this.#schedule()
  }

  /** Handles a complete chunk of an extent. */
  receive({ slot, chunk, extent, startedAt }: Piece): void {
    const { clock, size } = this.#options
    const now = clock.now * 1000
    if (this.#scheduler.received(slot, chunk, now)) this.host.tell(chunk, false)
    else this.duplicates++
    if (chunk === extent.first + extent.count - 1) {
      const [start, end] = extentBytes(size, extent)
      slot.pace.succeeded(end - start, startedAt * 1000, now)
      this.#scheduler.settled(slot, extent)
    }
    if (!this.done) this.#schedule()
    else if (Number.isNaN(this.finishedAt)) this.#finish()
  }

  #finish(): void {
    this.finishedAt = this.#options.clock.now
    for (const known of this.#known.values()) known.host.followers.delete(known)
    this.#options.onDone(this)
  }

  join(known: Known, have: Bitmap): void {
    known.slot = this.#scheduler.add(known, have, new Pace())
    this.#followSeeds()
    this.#schedule()
  }

  #followSeeds(): void {
    if (!this.#picker.isCrowded) return
    for (const known of this.#known.values()) {
      if (known.followed || !known.slot?.peer.seed) continue
      known.followed = true
      this.#after(SETUP_LATENCIES, () => {
        if (!this.done) known.host.followers.add(known)
      })
    }
  }

  #schedule(): void {
    const now = this.#options.clock.now * 1000
    for (let next = this.#scheduler.next(now); next !== null; next = this.#scheduler.next(now))
      this.#ask(next.slot, next.extent)
  }

  #ask(slot: PeerSlot<Known>, extent: Extent): void {
    const known = slot.of
    const { clock, size } = this.#options
    const { first, count } = extent
    if (slot.peer.seed) for (let chunk = first; chunk < first + count; chunk++) this.host.tell(chunk, true)
    const startedAt = clock.now
    this.#after(known.connected ? 1 : SETUP_LATENCIES, () => {
      if (slot.peer.seed) for (let chunk = first; chunk < first + count; chunk++) known.host.tell(chunk, true)
      const flow = known.host.flowTo(this)
      for (let chunk = first; chunk < first + count; chunk++)
        flow.send(chunkLength(size, chunk), new Piece(this, slot, chunk, extent, startedAt))
    })
    known.connected = true
  }

  #after(latencies: number, act: () => void): void {
    const { clock } = this.#options
    if (latencies === 1) clock.later({ happen: act })
    else clock.at(clock.now + latencies * clock.latency, { happen: act })
  }
}

/** A peer as one leecher sees it. */
class Known implements Follower {
  readonly host: Host
  readonly #leecher: Leecher
  /** null until we know which chunks the peer holds. */
  slot: PeerSlot<Known> | null = null
  connected = false
  /** Whether we follow this seed's reports of others' requests. */
  followed = false

  constructor(leecher: Leecher, host: Host) {
    this.#leecher = leecher
    this.host = host
  }

  learn(records: readonly number[]): void {
    if (this.slot) this.#leecher.learn(this.slot, records)
  }
}

/** A chunk in flight. */
class Piece implements TimedEvent {
  readonly #leecher: Leecher
  readonly slot: PeerSlot<Known>
  readonly chunk: number
  readonly extent: Extent
  readonly startedAt: number

  constructor(leecher: Leecher, slot: PeerSlot<Known>, chunk: number, extent: Extent, startedAt: number) {
    this.#leecher = leecher
    this.slot = slot
    this.chunk = chunk
    this.extent = extent
    this.startedAt = startedAt
  }

  happen(): void {
    this.#leecher.receive(this)
  }
}
