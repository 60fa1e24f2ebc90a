import { TreeError } from './errors.ts'

/**
 * Unsigned LEB128: seven bits a byte, the lowest first, the highest bit set on all bytes but the last. Only the
 * shortest form is valid, so that each number has one encoding.
 */
const SEVEN_BYTES = 2 ** 49
const HIGH_PART = 2 ** 15

/** Reads numbers and byte strings from `bytes`. Throws TreeError 'truncated' at the end, 'varint' for a longer form. */
export class ByteReader {
  readonly bytes: Buffer
  offset: number

  constructor(bytes: Buffer, offset = 0) {
    this.bytes = bytes
    this.offset = offset
  }

  /** A varint of at most `max` (an exact number); null if it is greater. */
  number(max: number): number | null {
    const { low, high } = this.#parts()
    // A high part beyond 16 bits would make the sum inexact, and is beyond every limit.
    if (high >= HIGH_PART) return null
    const value = low + high * SEVEN_BYTES
    return value <= max ? value : null
  }

  /** A zigzag varint: a signed number of 64 bits; null if it is longer. */
  signed64(): bigint | null {
    const { low, high } = this.#parts()
    if (high === 0) return low % 2 === 0 ? BigInt(low / 2) : BigInt(-(low + 1) / 2)
    if (high >= HIGH_PART) return null
    const zigzag = BigInt(low) | (BigInt(high) << 49n)
    return (zigzag >> 1n) ^ -(zigzag & 1n)
  }

  /** The next `length` bytes, without a copy. */
  take(length: number): Buffer {
    const end = this.offset + length
    if (end > this.bytes.length) throw truncated()
    const taken = this.bytes.subarray(this.offset, end)
    this.offset = end
    return taken
  }

  /** A varint of up to 14 bytes, as low + high · 2^49. */
  #parts(): { low: number; high: number } {
    const low = this.#sevenBytes()
    if (low < SEVEN_BYTES) return { low, high: 0 }
    const high = this.#sevenBytes()
    if (high === 0) throw notShortest()
    return { low: low - SEVEN_BYTES, high }
  }

  /** Up to seven bytes of a varint. 2^49 is added where the seventh says that more follow. */
  #sevenBytes(): number {
    let value = 0
    let unit = 1
    for (let i = 0; i < 7; i++) {
      const byte = this.bytes[this.offset]
      if (byte === undefined) throw truncated()
      this.offset++
      value += (byte & 0x7f) * unit
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw notShortest()
        return value
      }
      unit *= 128
    }
    return value + SEVEN_BYTES
  }
}

const notShortest = (): TreeError =>
  new TreeError('varint', 'the manifest has a number that is not in its shortest form')
const truncated = (): TreeError => new TreeError('truncated', 'the manifest ends in the middle of an entry')

/** Writes a varint (value below 2^53) and returns the offset behind it. */
export function writeNumber(bytes: Buffer, offset: number, value: number): number {
  let at = offset
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

/** Writes a signed number of 64 bits as a zigzag varint and returns the offset behind it. */
export function writeSigned64(bytes: Buffer, offset: number, value: bigint): number {
  const zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  if (zigzag < 2n ** 49n) return writeNumber(bytes, offset, Number(zigzag))
  let at = offset
  let rest = zigzag
  while (rest >= 0x80n) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  bytes[at++] = Number(rest)
  return at
}
