/** Something that happens at a moment of virtual time. */
export interface Happening {
  happen(): void
}

/**
 * Virtual time in seconds. Happenings at any time go through a heap; those that are one network latency away,
 * by far the most, through a queue, since a constant delay keeps their order.
 */
export class Clock {
  now = 0
  readonly latency: number
  readonly #heap = new Heap()
  readonly #line = new DelayLine()

  constructor(latency: number) {
    this.latency = latency
  }

  at(time: number, happening: Happening): void {
    this.#heap.push(time, happening)
  }

  /** One latency from now. */
  later(happening: Happening): void {
    this.#line.push(this.now + this.latency, happening)
  }

  /** Runs until nothing is left to happen, or `isOver` says so. */
  run(isOver: () => boolean): void {
    while (!isOver()) {
      const fromLine = this.#line.due <= this.#heap.due
      const due = fromLine ? this.#line.due : this.#heap.due
      if (due === Number.POSITIVE_INFINITY) return
      this.now = due
      if (fromLine) this.#line.shift().happen()
      else this.#heap.pop().happen()
    }
  }
}

/** A binary heap by time, first in first out among equals. */
class Heap {
  readonly #times: number[] = []
  readonly #order: number[] = []
  readonly #items: Happening[] = []
  #sequence = 0

  get due(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY
  }

  push(time: number, item: Happening): void {
    const order = this.#sequence++
    let at = this.#times.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#times[parent]! <= time) break
      this.#move(parent, at)
      at = parent
    }
    this.#set(at, time, order, item)
  }

  pop(): Happening {
    const first = this.#items[0]!
    const time = this.#times.pop()!
    const order = this.#order.pop()!
    const item = this.#items.pop()!
    const length = this.#times.length
    if (length === 0) return first
    let at = 0
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && this.#before(child + 1, this.#times[child]!, this.#order[child]!)) child++
      if (!this.#before(child, time, order)) break
      this.#move(child, at)
      at = child
    }
    this.#set(at, time, order, item)
    return first
  }

  #before(at: number, time: number, order: number): boolean {
    const mine = this.#times[at]!
    return mine < time || (mine === time && this.#order[at]! < order)
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#order[from]!, this.#items[from]!)
  }

  #set(at: number, time: number, order: number, item: Happening): void {
    this.#times[at] = time
    this.#order[at] = order
    this.#items[at] = item
  }
}

/** A queue whose times never decrease. */
class DelayLine {
  #times: number[] = []
  #items: Happening[] = []
  #head = 0

  get due(): number {
    return this.#times[this.#head] ?? Number.POSITIVE_INFINITY
  }

  push(time: number, item: Happening): void {
    this.#times.push(time)
    this.#items.push(item)
  }

  shift(): Happening {
    const item = this.#items[this.#head++]!
    if (this.#head > 10_000 && this.#head * 2 > this.#items.length) {
      this.#times = this.#times.slice(this.#head)
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
