import { EventHeap, type TimedEvent } from './event-heap.ts'
import { Fifo } from './fifo.ts'

/**
 * Virtual time in seconds. Events at arbitrary times go through a heap; events one network latency away go
 * through a queue, because a constant delay keeps their order.
 */
export class Clock {
  now = 0
  readonly latency: number
  readonly #heap = new EventHeap()
  readonly #line = new Fifo<TimedEvent>()
  /** The times of the entries of `#line`. */
  readonly #times = new Fifo<number>()

  constructor(latency: number) {
    this.latency = latency
  }

  at(time: number, event: TimedEvent): void {
    this.#heap.push(time, event)
  }

  /** Schedules an event one latency from now. */
  later(event: TimedEvent): void {
    this.#line.push(event)
    this.#times.push(this.now + this.latency)
  }

  /** Runs until no events remain or `isOver` returns true. */
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
