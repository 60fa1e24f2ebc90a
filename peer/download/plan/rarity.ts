import { ChunkSet } from './chunk-set.ts'

/** From these numbers of sources on a chunk counts as more common: finer steps would cost more than they tell. */
const STEPS = [1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64]
/** By number of sources, up to the last step. */
const LEVELS = Uint8Array.from(
  { length: STEPS.at(-1)! + 1 },
  (_, n) => STEPS.filter((step) => step <= n).length,
)
const levelOf = (sources: number): number => LEVELS[Math.min(sources, LEVELS.length - 1)]!

/**
 * The chunks that are free to be asked for, by how many sources they have: one set for each level of rarity. A
 * source more or less moves a chunk to another set now and then, so that a rare one is found without a look at
 * all of them.
 */
export class Rarity {
  readonly #size: number
  readonly #sources: Uint16Array
  /** By level; made when it is first needed. */
  readonly #levels: ChunkSet[] = []

  constructor(size: number) {
    this.#size = size
    this.#sources = new Uint16Array(size)
  }

  /** Whether the chunk has no source. */
  isOrphan(chunk: number): boolean {
    return this.#sources[chunk] === 0
  }

  /** The chunk may be asked for. */
  add(chunk: number): void {
    this.#set(levelOf(this.#sources[chunk]!)).add(chunk)
  }

  /** It may not: it is here, or asked for. */
  delete(chunk: number): void {
    this.#set(levelOf(this.#sources[chunk]!)).delete(chunk)
  }

  /** It has a source more (1) or less (-1). */
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

  /** Of the free chunks in `held` one of the rarest, by chance; null when none is there, or (`orphans`) none without sources. */
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
