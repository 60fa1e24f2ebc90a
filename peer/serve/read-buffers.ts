/**
 * Reuses buffers for file data on its way to sockets: fresh ones would keep the garbage collector busy a third of
 * the time. The requests under way bound their number. Only a few free ones are kept, to release memory after a
 * burst of clients.
 */
export class ReadBuffers {
  readonly #size: number
  readonly #kept: number
  readonly #free: Buffer[] = []

  /** `size` is in bytes; `kept` is how many free buffers are kept. */
  constructor(size: number, kept: number) {
    this.#size = size
    this.#kept = kept
  }

  /** Returns a buffer to read into. Give it back afterwards. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size)
  }

  give(buffer: Buffer): void {
    if (this.#free.length < this.#kept) this.#free.push(buffer)
  }
}
