import { ChunkSet } from './chunk-set.ts'

/** The numbers of sources at which a chunk's level rises. Finer steps would cost more than they help. */
const STEPS = [1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64]
/** Level by number of sources, up to the last step. */
const LEVELS = Uint8Array.from(
  { length: STEPS.at(-1)! + 1 },
  (_, n) => STEPS.filter((step) => step <= n).length,
)
const levelOf = (sources: number): number => LEVELS[Math.min(sources, LEVELS.length - 1)]!

/**
 * The free chunks (not held, not requested) by rarity: one set per level. A change in a chunk's number of sources
 * seldom moves it to another set, and finding a rare chunk does not need a scan.
 */
export class Rarity {
  readonly #size: number
  readonly #sources: Uint16Array
  /** By level; each is made when first needed. */
  readonly #levels: ChunkSet[] = []

  constructor(size: number) {
    this.#size = size
    this.#sources = new Uint16Array(size)
  }

  /** Whether the chunk has no source. */
  isOrphan(chunk: number): boolean {
    return this.#sources[chunk] === 0
  }

  /** Makes the chunk free. */
  add(chunk: number): void {
    this.#set(levelOf(this.#sources[chunk]!)).add(chunk)
  }

  /** The chunk is no longer free: it is held or requested. */
  delete(chunk: number): void {
    this.#set(levelOf(this.#sources[chunk]!)).delete(chunk)
  }

  /** The chunk gained (1) or lost (-1) a source. */
  count(chunk: number, delta: 1 | -1): void {
    const before = this.#sources[chunk]!
    this.#sources[chunk] = before + delta
    const [from, to] = [levelOf(before), levelOf(before + delta)]
    if (from !== to && this.#levels[from]?.delete(chunk)) this.#set(to).add(chunk)
  }

  /** Whether the chunk is no rarer than the other. */
  isAsCommon(chunk: number, other: number): boolean {
    return levelOf(this.#sources[chunk]!) >= levelOf(this.#sources[other]!)
  }

  /** A random rarest free chunk in `held`, or null. With `orphans`, only chunks that have no source. */
  rarest(held: ChunkSet, orphans: boolean, random: () => number): number | null {
    const end = orphans ? 1 : this.#levels.length
    for (let level = 0; level < end; level++) {
      const chunk = this.#levels[level]?.common(held, random) ?? null
      if (chunk !== null) return chunk
    }
    return null
  }

  #set(level: number): ChunkSet {
    while (this.#levels.length <= level) this.#levels.push(new ChunkSet(this.#size))
    return this.#levels[level]!
  }
}
