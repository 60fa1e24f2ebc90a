import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { writePrivateFile } from '../../packed/private-file.ts'
import { decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTree } from '../../protocol/tree/tree-reader.ts'

/** Bytes of the indexes that are kept in memory. */
const CACHE_BYTES = 64 * 1024 * 1024

/** A snapshot's tree in this home. */
export interface KnownTree {
  index: TreeIndex
  /** Manifest and footer: the end of the stream. */
  trailer: Buffer
}

/** The manifests of the snapshots that a home holds: one file each, in its folder `trees`. */
export class TreeStore {
  readonly #folder: string
  readonly #cache = new LRUCache<string, KnownTree>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ index, trailer }) => index.byteLength + trailer.length + 1,
  })

  constructor(home: string) {
    this.#folder = join(home, 'trees')
  }

  /** The path of a snapshot's manifest in this home. */
  path(fileId: string): string {
    return join(this.#folder, fileId)
  }

  /** Stores a verified trailer. `size` is the size of the stream. Throws TreeError, or a storage error. */
  async save(fileId: string, trailer: Buffer, size: number): Promise<TreeIndex> {
    const index = readTrailer(trailer, size)
    await writePrivateFile(this.path(fileId), trailer)
    this.#cache.set(fileId, { index, trailer })
    return index
  }

  /** The tree of a snapshot. Null if this home lacks it, or if its file is damaged. */
  load(fileId: string, size: number): KnownTree | null {
    const known = this.#cache.get(fileId)
    if (known) return known
    try {
      const trailer = readFileSync(this.path(fileId))
      const tree = { index: readTrailer(trailer, size), trailer }
      this.#cache.set(fileId, tree)
      return tree
    } catch {
      return null
    }
  }
}

function readTrailer(trailer: Buffer, size: number): TreeIndex {
  const footer = decodeFooter(trailer.subarray(-FOOTER_SIZE), size)
  return readTree([trailer.subarray(0, -FOOTER_SIZE)], footer)
}
