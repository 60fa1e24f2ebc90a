import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { storageError } from '../../protocol/errors.ts'
import { decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTrailer } from '../../protocol/tree/tree-reader.ts'

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
  /** The tree that was used last, because the largest do not fit in the cache. */
  #last: { fileId: string; tree: KnownTree } | null = null

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
    this.#keep(fileId, { index, trailer })
    return index
  }

  /** The tree of a snapshot, null where this home does not have it, or its file is damaged. */
  load(fileId: string, size: number): KnownTree | null {
    const known = this.#last?.fileId === fileId ? this.#last.tree : this.#cache.get(fileId)
    if (known) return this.#keep(fileId, known)
    try {
      const trailer = readFileSync(this.path(fileId))
      return this.#keep(fileId, { index: readTrailer(trailer, size), trailer })
    } catch {
      return null
    }
  }

  /** How many entries the tree of a snapshot has, read from its footer alone; null as `load`. */
  entries(fileId: string, size: number): number | null {
    try {
      const fd = openSync(this.path(fileId), 'r')
      try {
        const footer = Buffer.alloc(FOOTER_SIZE)
        readSync(fd, footer, 0, FOOTER_SIZE, fstatSync(fd).size - FOOTER_SIZE)
        return decodeFooter(footer, size).entries
      } finally {
        closeSync(fd)
      }
    } catch {
      return null
    }
  }

  #keep(fileId: string, tree: KnownTree): KnownTree {
    this.#last = { fileId, tree }
    if (!this.#cache.has(fileId)) this.#cache.set(fileId, tree)
    return tree
  }
}
