/**
 * Buffers that file data passes through on its way to a socket, reused: fresh ones of this size would keep
 * the garbage collector busy for a third of the time. How many exist is bounded by what is under way at once;
 * of those that are free a few are kept, so that a burst of clients does not hold its memory for ever.
 */
export class ReadBuffers {
  readonly #size: number
  readonly #kept: number
  readonly #free: Buffer[] = []

  /** `size` in bytes; `kept` is how many are kept while nobody needs them. */
  constructor(size: number, kept: number) {
    this.#size = size
    this.#kept = kept
  }

  /** A buffer to read into; its holder gives it back. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size)
  }

  give(buffer: Buffer): void {
    if (this.#free.length < this.#kept) this.#free.push(buffer)
  }
}
