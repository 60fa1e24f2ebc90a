import type { Clock, Happening } from './clock.ts'
import { Fifo } from './fifo.ts'

/**
 * The model of links. A host sends through one uplink and receives through one downlink, each with a rate.
 * Data travels in quanta: the uplink sends one at a time, taking turns among its flows; the downlink takes
 * them in as they arrive. A flow has at most WINDOW quanta on the way or waiting at the receiver, as TCP has
 * with its window, so that a receiver at its limit slows its senders down instead of queueing without end, and
 * they give their rate to others. Long flows come to max-min fair shares to within one quantum a round
 * (test/unit/bench/links.test.ts); slow start, loss and headers are not modelled.
 */
export const QUANTUM = 256 * 1024
const WINDOW = 4

/** Bytes that one request asked for, and what happens at the receiver when the last of them is in. */
interface Parcel {
  bytes: number
  arrival: Happening
}

/** One direction of a connection: parcels are sent in order. */
export class Flow implements Happening {
  readonly #from: Uplink
  readonly #to: Downlink
  readonly #parcels = new Fifo<Parcel>()
  /** When each of the last WINDOW quanta is acknowledged. */
  readonly #acknowledged = new Float64Array(WINDOW)
  #sent = 0
  /** Takes turns on the uplink, or waits for an acknowledgement. */
  #busy = false

  constructor(from: Uplink, to: Downlink) {
    this.#from = from
    this.#to = to
  }

  send(bytes: number, arrival: Happening): void {
    this.#parcels.push({ bytes, arrival })
    if (!this.#busy) this.#next()
  }

  /** Bytes of the next quantum. */
  get quantum(): number {
    return Math.min(QUANTUM, this.#parcels.peek()!.bytes)
  }

  /**
   * The next quantum has left the uplink. When it will be in is known at once: latency is the same for all, so
   * that a downlink takes quanta in the order in which they left.
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

  /** The quantum that was waited for is acknowledged. */
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

export class Uplink implements Happening {
  readonly clock: Clock
  readonly #rate: number
  readonly #turns = new Fifo<Flow>()
  #sending: Flow | null = null
  #bytes = 0
  /** Bytes sent so far. */
  sent = 0

  /** `rate` in bytes a second. */
  constructor(clock: Clock, rate: number) {
    this.clock = clock
    this.#rate = rate
  }

  /** The flow has something to send and takes one turn. */
  list(flow: Flow): void {
    this.#turns.push(flow)
    if (this.#sending === null) this.#next()
  }

  /** The quantum that was being sent is out. */
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

  /** `rate` in bytes a second. */
  constructor(rate: number) {
    this.#rate = rate
  }

  /** Bytes that arrive at a time are in at the time that is returned. Calls must come in the order of arrival. */
  take(bytes: number, arriving: number): number {
    this.#freeAt = Math.max(this.#freeAt, arriving) + bytes / this.#rate
    return this.#freeAt
  }
}
