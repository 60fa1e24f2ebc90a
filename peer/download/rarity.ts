import { ChunkSet } from './chunk-set.ts'

/** A chunk with so many sources is as common as one with more. */
const COMMON = 63

/**
 * The chunks that are free to be asked for, by how many sources they have. A source more or less moves a chunk
 * to the next set, so that the rarest is found without a look at all of them.
 */
export class Rarity {
  readonly #size: number
  readonly #sources: Uint16Array
  /** By number of sources; made when it is first needed. */
  readonly #levels: ChunkSet[] = []

  constructor(size: number) {
    this.#size = size
    this.#sources = new Uint16Array(size)
  }

  sources(chunk: number): number {
    return this.#sources[chunk]!
  }

  /** The chunk may be asked for. */
  add(chunk: number): void {
    this.#level(this.#sources[chunk]!).add(chunk)
  }

  /** It may not: it is here, or asked for. */
  delete(chunk: number): void {
    this.#level(this.#sources[chunk]!).delete(chunk)
  }

  /** It has a source more (1) or less (-1). */
  count(chunk: number, delta: 1 | -1): void {
    const before = this.#sources[chunk]!
    const now = before + delta
    this.#sources[chunk] = now
    if (Math.min(before, now) < COMMON && this.#levels[before]?.delete(chunk)) this.#level(now).add(chunk)
  }

  /** Of the free chunks in `held` one of the rarest, by chance; null when there is none with at most `most` sources. */
  rarest(held: ChunkSet, most: number, random: () => number): number | null {
    const end = Math.min(this.#levels.length, most + 1)
    for (let sources = 0; sources < end; sources++) {
      const chunk = this.#levels[sources]!.common(held, random)
      if (chunk !== null) return chunk
    }
    return null
  }

  /** The chunks with so many sources. */
  #level(sources: number): ChunkSet {
    const level = Math.min(sources, COMMON)
    while (this.#levels.length <= level) this.#levels.push(new ChunkSet(this.#size))
    return this.#levels[level]!
  }
}
