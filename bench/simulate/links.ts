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
export const QUANTUM = 128 * 1024
const WINDOW = 8

/** A run of bytes that one request asked for; `mark` is handed to the receiver with the last of them. */
export interface Parcel<M> {
  bytes: number
  mark: M
}

/** One direction of a connection: parcels are sent in order. */
export class Flow<M> {
  readonly #from: Uplink
  readonly #to: Downlink
  readonly #onParcel: (mark: M) => void
  readonly #parcels = new Fifo<Parcel<M>>()
  #credit = WINDOW
  /** In the uplink's turn-taking, or being sent. */
  #listed = false
  readonly #creditBack: Happening = { happen: () => this.#credited() }

  constructor(from: Uplink, to: Downlink, onParcel: (mark: M) => void) {
    this.#from = from
    this.#to = to
    this.#onParcel = onParcel
  }

  send(parcel: Parcel<M>): void {
    this.#parcels.push(parcel)
    this.#list()
  }

  /** Takes the next quantum out; the uplink then sends it. */
  takeQuantum(): Quantum {
    const parcel = this.#parcels.peek()!
    const bytes = Math.min(QUANTUM, parcel.bytes)
    parcel.bytes -= bytes
    const ended = parcel.bytes === 0
    if (ended) this.#parcels.shift()
    this.#credit--
    const arrived = (): void => {
      this.#from.clock.later(this.#creditBack)
      if (ended) this.#onParcel(parcel.mark)
    }
    return new Quantum(bytes, this.#to, arrived)
  }

  /** Its turn is over. True when it wants another. */
  endTurn(): boolean {
    this.#listed = this.#credit > 0 && this.#parcels.length > 0
    return this.#listed
  }

  #credited(): void {
    this.#credit++
    this.#list()
  }

  #list(): void {
    if (!this.#listed && this.endTurn()) this.#from.list(this)
  }
}

class Quantum implements Happening {
  readonly bytes: number
  readonly #to: Downlink
  readonly arrived: () => void

  constructor(bytes: number, to: Downlink, arrived: () => void) {
    this.bytes = bytes
    this.#to = to
    this.arrived = arrived
  }

  /** It reaches the receiver's link. */
  happen(): void {
    this.#to.take(this)
  }
}

/** Anything that takes turns on an uplink, whatever its marks are. */
interface Sender {
  takeQuantum(): Quantum
  endTurn(): boolean
}

export class Uplink implements Happening {
  readonly clock: Clock
  readonly #rate: number
  readonly #turns = new Fifo<Sender>()
  #sending: { flow: Sender; quantum: Quantum } | null = null
  /** Bytes sent so far. */
  sent = 0

  /** `rate` in bytes a second. */
  constructor(clock: Clock, rate: number) {
    this.clock = clock
    this.#rate = rate
  }

  list(flow: Sender): void {
    this.#turns.push(flow)
    if (!this.#sending) this.#next()
  }

  /** The quantum that was being sent is out. */
  happen(): void {
    const { flow, quantum } = this.#sending!
    this.#sending = null
    this.sent += quantum.bytes
    this.clock.later(quantum)
    if (flow.endTurn()) this.#turns.push(flow)
    this.#next()
  }

  #next(): void {
    const flow = this.#turns.shift()
    if (!flow) return
    const quantum = flow.takeQuantum()
    this.#sending = { flow, quantum }
    this.clock.at(this.clock.now + quantum.bytes / this.#rate, this)
  }
}

export class Downlink implements Happening {
  readonly #clock: Clock
  readonly #rate: number
  readonly #waiting = new Fifo<Quantum>()

  /** `rate` in bytes a second. */
  constructor(clock: Clock, rate: number) {
    this.#clock = clock
    this.#rate = rate
  }

  take(quantum: Quantum): void {
    this.#waiting.push(quantum)
    if (this.#waiting.length === 1) this.#begin(quantum)
  }

  /** The first that waits is in. */
  happen(): void {
    this.#waiting.shift()!.arrived()
    const next = this.#waiting.peek()
    if (next) this.#begin(next)
  }

  #begin(quantum: Quantum): void {
    this.#clock.at(this.#clock.now + quantum.bytes / this.#rate, this)
  }
}
