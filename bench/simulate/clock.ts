import { EventHeap } from './event-heap.ts'
import { Fifo } from './fifo.ts'

/** Something that happens at a moment of virtual time. */
export interface Happening {
  happen(): void
}

/**
 * Virtual time in seconds. Happenings at any time go through a heap; those that are one network latency away
 * through a queue, since a constant delay keeps their order.
 */
export class Clock {
  now = 0
  readonly latency: number
  readonly #heap = new EventHeap()
  readonly #line = new Fifo<Happening>()
  /** When each of `#line` happens. */
  readonly #times = new Fifo<number>()

  constructor(latency: number) {
    this.latency = latency
  }

  at(time: number, happening: Happening): void {
    this.#heap.push(time, happening)
  }

  /** One latency from now. */
  later(happening: Happening): void {
    this.#line.push(happening)
    this.#times.push(this.now + this.latency)
  }

  /** Runs until nothing is left to happen, or `isOver` says so. */
  run(isOver: () => boolean): void {
    while (!isOver()) {
      const delayed = this.#times.peek() ?? Number.POSITIVE_INFINITY
      const due = Math.min(delayed, this.#heap.due)
      if (due === Number.POSITIVE_INFINITY) return
      this.now = due
      if (delayed <= due) {
        this.#times.shift()
        this.#line.shift()!.happen()
      } else this.#heap.pop().happen()
    }
  }
}
