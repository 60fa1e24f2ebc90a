import type { Bitmap } from '../../../protocol/bitmap.ts'

/** The search for common chunks stops at this many: a choice among them is random enough. */
const MAX_CANDIDATES = 2048

/**
 * A set of chunk indexes as 32-bit words, most significant bit first, with one summary bit per word. So the
 * intersection of two sets takes one step per 1,024 chunks: 2,048 steps for a file of two million chunks.
 */
export class ChunkSet {
  readonly #words: Int32Array
  readonly #summary: Int32Array
  #count = 0

  constructor(size: number) {
    const words = Math.ceil(size / 32)
    this.#words = new Int32Array(words)
    this.#summary = new Int32Array(Math.ceil(words / 32))
  }

  static from({ size, bytes }: Bitmap): ChunkSet {
    const set = new ChunkSet(size)
    for (const [at, byte] of bytes.entries())
      for (let bits = byte; bits !== 0; bits &= bits - 1) set.add(8 * at + Math.clz32(bits & -bits) - 24)
    return set
  }

  get count(): number {
    return this.#count
  }

  has(chunk: number): boolean {
    return this.#words[chunk >>> 5]! << (chunk & 31) < 0
  }

  /** False if the set already has the chunk. */
  add(chunk: number): boolean {
    const at = chunk >>> 5
    const word = this.#words[at]!
    const bit = TOP_BIT >>> (chunk & 31)
    if ((word & bit) !== 0) return false
    this.#words[at] = word | bit
    if (word === 0) this.#summary[at >>> 5]! |= TOP_BIT >>> (at & 31)
    this.#count++
    return true
  }

  /** False if the set does not have the chunk. */
  delete(chunk: number): boolean {
    const at = chunk >>> 5
    const word = this.#words[at]!
    const bit = TOP_BIT >>> (chunk & 31)
    if ((word & bit) === 0) return false
    const rest = word & ~bit
    this.#words[at] = rest
    if (rest === 0) this.#summary[at >>> 5]! &= ~(TOP_BIT >>> (at & 31))
    this.#count--
    return true
  }

  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.#words.length; at++)
      for (let bits = this.#words[at]!; bits !== 0; bits ^= TOP_BIT >>> Math.clz32(bits))
        yield 32 * at + Math.clz32(bits)
  }

  /**
   * A random chunk that is in both sets; null if there is none. All common chunks are equally likely if there are at
   * most MAX_CANDIDATES, else about that many behind a random start. `random` returns numbers in [0, 1).
   */
  common(other: ChunkSet, random: () => number): number | null {
    if (this.#count === 0 || other.#count === 0) return null
    const steps = this.#summary.length
    const start = steps === 1 ? 0 : Math.floor(random() * steps)
    let found = 0
    let end = 0
    for (; end < steps && found < MAX_CANDIDATES; end++)
      found += this.#inCommon(other, this.#step(start, end))
    if (found === 0) return null
    let rank = Math.floor(random() * found)
    for (let i = 0; i < end; i++) {
      const step = this.#step(start, i)
      const here = this.#inCommon(other, step)
      if (rank < here) return this.#nth(other, step, rank)
      rank -= here
    }
    return null
  }

  #step(start: number, i: number): number {
    const step = start + i
    return step < this.#summary.length ? step : step - this.#summary.length
  }

  /** The number of chunks in one step that are in both sets. */
  #inCommon(other: ChunkSet, step: number): number {
    let count = 0
    for (let words = this.#summary[step]! & other.#summary[step]!; words !== 0; ) {
      const bit = Math.clz32(words)
      words ^= TOP_BIT >>> bit
      const at = 32 * step + bit
      count += bitsIn(this.#words[at]! & other.#words[at]!)
    }
    return count
  }

  /** The common chunk of the step with `rank` others before it. */
  #nth(other: ChunkSet, step: number, rank: number): number {
    let left = rank
    for (let words = this.#summary[step]! & other.#summary[step]!; words !== 0; ) {
      const bit = Math.clz32(words)
      words ^= TOP_BIT >>> bit
      const at = 32 * step + bit
      let both = this.#words[at]! & other.#words[at]!
      const here = bitsIn(both)
      if (left >= here) {
        left -= here
        continue
      }
      for (; left > 0; left--) both ^= TOP_BIT >>> Math.clz32(both)
      return 32 * at + Math.clz32(both)
    }
    throw new RangeError(`no chunk of rank ${rank}`)
  }
}

/** The most significant bit of a word. `>>>` results in a positive number, `&` and `^` in a signed one. */
const TOP_BIT = 0x8000_0000

/** The number of set bits (Warren, "Hacker's Delight", 5-1). */
function bitsIn(word: number): number {
  let n = word - ((word >>> 1) & 0x5555_5555)
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
