/** A growing ring buffer, cheap at both ends, for the millions of entries that wait in a simulation. */
export class Fifo<T> {
  #items: (T | undefined)[] = new Array(4)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length++) & (this.#items.length - 1)] = item
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  #grow(): void {
    const items = this.#items
    this.#items = [...items.slice(this.#head), ...items.slice(0, this.#head)]
    this.#items.length = 2 * items.length
    this.#head = 0
  }
}
