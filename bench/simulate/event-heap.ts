/** An event at a moment of virtual time. */
export interface TimedEvent {
  happen(): void
}

const CHILDREN = 4

/**
 * A four-ary heap of events by time. Typed arrays hold the times and the indexes into a table of events, so
 * that moving an entry touches two numbers and no object. Events at equal times come in any order, but the
 * same one in each run.
 */
export class EventHeap {
  #times = new Float64Array(1024)
  #places = new Int32Array(1024)
  #length = 0
  readonly #events: (TimedEvent | null)[] = []
  readonly #free: number[] = []

  /** When the next event happens; infinite if there is none. */
  get due(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!
  }

  push(time: number, event: TimedEvent): void {
    if (this.#length === this.#times.length) this.#grow()
    const place = this.#free.pop() ?? this.#events.length
    this.#events[place] = event
    const [times, places] = [this.#times, this.#places]
    let at = this.#length++
    while (at > 0) {
      const parent = (at - 1) >> 2
      if (times[parent]! <= time) break
      times[at] = times[parent]!
      places[at] = places[parent]!
      at = parent
    }
    times[at] = time
    places[at] = place
  }

  /** Removes the next event. The heap must not be empty. */
  pop(): TimedEvent {
    const first = this.#places[0]!
    this.#length--
    if (this.#length > 0) this.#settle(this.#times[this.#length]!, this.#places[this.#length]!)
    const event = this.#events[first]!
    this.#events[first] = null
    this.#free.push(first)
    return event
  }

  /** Sinks an entry from the root to its place. */
  #settle(time: number, place: number): void {
    const [times, places, length] = [this.#times, this.#places, this.#length]
    let at = 0
    for (;;) {
      const begin = CHILDREN * at + 1
      if (begin >= length) break
      const end = Math.min(begin + CHILDREN, length)
      let child = begin
      for (let other = begin + 1; other < end; other++) if (times[other]! < times[child]!) child = other
      if (times[child]! >= time) break
      times[at] = times[child]!
      places[at] = places[child]!
      at = child
    }
    times[at] = time
    places[at] = place
  }

  #grow(): void {
    const [times, places] = [this.#times, this.#places]
    this.#times = new Float64Array(2 * times.length)
    this.#places = new Int32Array(2 * places.length)
    this.#times.set(times)
    this.#places.set(places)
  }
}
