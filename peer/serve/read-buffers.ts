/**
 * Buffers that file data passes through on its way to a socket, reused: fresh ones of this size would keep
 * the garbage collector busy for a third of the time. How many exist is bounded by what is under way at once.
 */
export class ReadBuffers {
  readonly #size: number
  readonly #free: Buffer[] = []

  /** `size` in bytes. */
  constructor(size: number) {
    this.#size = size
  }

  /** A buffer to read into; its holder gives it back. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size)
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer)
  }
}
