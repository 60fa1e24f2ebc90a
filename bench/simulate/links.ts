import type { Clock } from './clock.ts'
import type { TimedEvent } from './event-heap.ts'
import { Fifo } from './fifo.ts'

/**
 * The model of links. A host sends through one uplink and receives through one downlink, each with a rate.
 * Data travels in quanta. The uplink sends one at a time, round-robin over its flows; the downlink receives
 * them in order of arrival. Like TCP's window, a flow has at most WINDOW quanta in flight or waiting at the
 * receiver. So a receiver at its limit slows its senders down instead of queueing without end, and they give
 * their rate to others. Long flows converge to max-min fair shares to within one quantum a round
 * (test/unit/bench/links.test.ts). The model omits slow start, loss and headers.
 */
export const QUANTUM = 256 * 1024
const WINDOW = 4

/** The bytes of one request, and the event at the receiver when the last of them arrives. */
interface Parcel {
  bytes: number
  arrival: TimedEvent
}

/** One direction of a connection. Sends parcels in order. */
export class Flow implements TimedEvent {
  readonly #from: Uplink
  readonly #to: Downlink
  readonly #parcels = new Fifo<Parcel>()
  /** When the last WINDOW quanta are acknowledged. */
  readonly #acknowledged = new Float64Array(WINDOW)
  #sent = 0
  /** Whether the flow queues on the uplink or waits for an acknowledgement. */
  #busy = false

  constructor(from: Uplink, to: Downlink) {
    this.#from = from
    this.#to = to
  }

  send(bytes: number, arrival: TimedEvent): void {
    this.#parcels.push({ bytes, arrival })
    if (!this.#busy) this.#next()
  }

  /** Size of the next quantum in bytes. */
  get quantum(): number {
    return Math.min(QUANTUM, this.#parcels.peek()!.bytes)
  }

  /**
   * Handles a quantum that left the uplink. Its arrival time is known at once: latency is the same for all,
   * so a downlink receives quanta in the order in which they left.
   */
  sent(bytes: number): void {
    const { clock } = this.#from
    const parcel = this.#parcels.peek()!
    const arrives = this.#to.take(bytes, clock.now + clock.latency)
    this.#acknowledged[this.#sent++ % WINDOW] = arrives + clock.latency
    parcel.bytes -= bytes
    if (parcel.bytes === 0) {
      this.#parcels.shift()
      clock.at(arrives, parcel.arrival)
    }
    this.#next()
  }

  /** Handles the acknowledgement that the flow waited for. */
  happen(): void {
    this.#next()
  }

  #next(): void {
    this.#busy = this.#parcels.length > 0
    if (!this.#busy) return
    const may = this.#acknowledged[this.#sent % WINDOW]!
    const { clock } = this.#from
    if (may <= clock.now) this.#from.list(this)
    else clock.at(may, this)
  }
}

export class Uplink implements TimedEvent {
  readonly clock: Clock
  readonly #rate: number
  readonly #turns = new Fifo<Flow>()
  #sending: Flow | null = null
  #bytes = 0
  /** Bytes sent so far. */
  sent = 0

  /** `rate` is in bytes a second. */
  constructor(clock: Clock, rate: number) {
    this.clock = clock
    this.#rate = rate
  }

  /** Queues a flow that has something to send for one turn. */
  list(flow: Flow): void {
    this.#turns.push(flow)
    if (this.#sending === null) this.#next()
  }

  /** Handles the end of sending one quantum. */
  happen(): void {
    const flow = this.#sending!
    this.sent += this.#bytes
    flow.sent(this.#bytes)
    this.#next()
  }

  #next(): void {
    this.#sending = this.#turns.shift() ?? null
    if (this.#sending === null) return
    this.#bytes = this.#sending.quantum
    this.clock.at(this.clock.now + this.#bytes / this.#rate, this)
  }
}

export class Downlink {
  readonly #rate: number
  #freeAt = 0

  /** `rate` is in bytes a second. */
  constructor(rate: number) {
    this.#rate = rate
  }

  /**
   * Receives bytes that arrive at `arriving`; returns when the last is in. Calls must be in order of arrival.
   */
  take(bytes: number, arriving: number): number {
    this.#freeAt = Math.max(this.#freeAt, arriving) + bytes / this.#rate
    return this.#freeAt
  }
}
