/** A fixed-size set of chunk indexes, one bit each, most significant bit first (like BitTorrent, BEP 3). */
export class Bitmap {
  readonly size: number
  readonly bytes: Uint8Array
  #count = 0

  /** `bytes` holds ⌈size/8⌉ bytes; bits past `size` are cleared. Throws RangeError if the length differs. */
  constructor(size: number, bytes: Uint8Array = new Uint8Array(Math.ceil(size / 8))) {
    if (bytes.length !== Math.ceil(size / 8)) throw new RangeError(`${bytes.length} bytes for ${size} bits`)
    this.size = size
    this.bytes = Uint8Array.from(bytes)
    if (size % 8 !== 0) this.bytes[this.bytes.length - 1]! &= 0xff << (8 - (size % 8))
    for (const byte of this.bytes) for (let b = byte; b; b &= b - 1) this.#count++
  }

  static full(size: number): Bitmap {
    return new Bitmap(size, new Uint8Array(Math.ceil(size / 8)).fill(0xff))
  }

  /** Number of set bits. */
  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.size
  }

  /** Every bit that is not set here. */
  inverse(): Bitmap {
    const inverse = Bitmap.full(this.size)
    for (let i = 0; i < this.size; i++) if (this.has(i)) inverse.delete(i)
    return inverse
  }

  has(index: number): boolean {
    return index >= 0 && index < this.size && (this.bytes[index >> 3]! & (0x80 >> (index & 7))) !== 0
  }

  /** Sets a bit. Returns false if it was already set. */
  add(index: number): boolean {
    if (index < 0 || index >= this.size) throw new RangeError(`bit ${index} of ${this.size}`)
    if (this.has(index)) return false
    this.bytes[index >> 3]! |= 0x80 >> (index & 7)
    this.#count++
    return true
  }

  /** Clears a bit. Returns false if it was already clear. */
  delete(index: number): boolean {
    if (!this.has(index)) return false
    this.bytes[index >> 3]! &= ~(0x80 >> (index & 7))
    this.#count--
    return true
  }

  /** Number of set bits in [first, end). */
  countRange(first: number, end: number): number {
    let count = 0
    for (let i = first; i < end; ) {
      // Count whole bytes: a file of a TiB has two million chunks.
      if ((i & 7) === 0 && i + 8 <= end) {
        for (let byte = this.bytes[i >> 3]!; byte; byte &= byte - 1) count++
        i += 8
      } else if (this.has(i++)) count++
    }
    return count
  }

  /** Whether all bits in [first, first + count) are set. */
  hasRange(first: number, count: number): boolean {
    for (let i = first; i < first + count; i++) if (!this.has(i)) return false
    return true
  }
}
