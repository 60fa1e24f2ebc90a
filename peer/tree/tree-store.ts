import { readFileSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { storageError } from '../../protocol/errors.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTrailer } from './trailer.ts'

/** Bytes of the indexes that are kept in memory. */
const CACHE_BYTES = 64 * 1024 * 1024

/** A snapshot's tree as this home has it. */
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

  /** Where the manifest of a snapshot is, or goes. */
  path(fileId: string): string {
    return join(this.#folder, fileId)
  }

  /** Keeps a trailer that was verified; `size` is that of the stream. Throws TreeError, or a storage error. */
  async save(fileId: string, trailer: Buffer, size: number): Promise<TreeIndex> {
    const index = readTrailer(trailer, size)
    const path = this.path(fileId)
    const draft = `${path}.${process.pid}`
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const file = await open(draft, 'w', 0o600)
      try {
        await file.writeFile(trailer)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(draft, path)
    } catch (error) {
      await rm(draft, { force: true })
      throw storageError(error, path)
    }
    this.#cache.set(fileId, { index, trailer })
    return index
  }

  /** The tree of a snapshot, null where this home does not have it, or its file is damaged. */
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
