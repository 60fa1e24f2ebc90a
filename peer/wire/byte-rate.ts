const SECONDS = 4

/** Counts bytes by the second, for their rate over the last ones. Pure: the caller passes the time in milliseconds. */
export class ByteRate {
  /** Bytes of the seconds s with s modulo length = place, and the last second that is counted. */
  readonly #bytes = new Float64Array(SECONDS + 1)
  #last = 0

  add(bytes: number, now: number): void {
    this.#moveTo(now)
    this.#bytes[this.#last % this.#bytes.length]! += bytes
  }

  /** Bytes a second over the last whole seconds and the one that runs. */
  at(now: number): number {
    this.#moveTo(now)
    const sum = this.#bytes.reduce((total, bytes) => total + bytes, 0)
    return Math.round(sum / (SECONDS + (now / 1000 - this.#last)))
  }

  #moveTo(now: number): void {
    const second = Math.floor(now / 1000)
    const first = Math.max(this.#last + 1, second - SECONDS)
    for (let each = first; each <= second; each++) this.#bytes[each % this.#bytes.length] = 0
    this.#last = Math.max(this.#last, second)
  }
}
