import { readFileSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { storageError } from '../../protocol/errors.ts'
import { decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTree } from '../../protocol/tree/tree-reader.ts'

/** Bytes of the trees that are kept in memory, beside one that is larger. */
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
  readonly #cacheBytes: number
  readonly #cache: LRUCache<string, KnownTree>
  /** The last tree that is too large for the cache: to decode a million entries for each request takes seconds. */
  #large: { fileId: string; tree: KnownTree } | null = null

  constructor(home: string, cacheBytes = CACHE_BYTES) {
    this.#cacheBytes = cacheBytes
    this.#cache = new LRUCache({ maxSize: cacheBytes, sizeCalculation: bytesIn })
    this.#folder = join(home, 'trees')
  }

  /** Where the manifest of a snapshot is, or goes. */
  path(fileId: string): string {
    return join(this.#folder, fileId)
  }

  /** Keeps a trailer that was verified; `size` is that of the stream. Throws TreeError, or a storage error. */
  async save(fileId: string, trailer: Buffer, size: number): Promise<TreeIndex> {
    const index = readTrailer(trailer, size)
    await this.put(fileId, { index, trailer })
    return index
  }

  /** Keeps a tree that was built here. Throws a storage error. */
  async put(fileId: string, tree: KnownTree): Promise<void> {
    const path = this.path(fileId)
    const draft = `${path}.${process.pid}`
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const file = await open(draft, 'w', 0o600)
      try {
        await file.writeFile(tree.trailer)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(draft, path)
    } catch (error) {
      await rm(draft, { force: true })
      throw storageError(error, path)
    }
    this.#keep(fileId, tree)
  }

  /** The tree of a snapshot, null where this home does not have it, or its file is damaged. */
  load(fileId: string, size: number): KnownTree | null {
    const known = this.#large?.fileId === fileId ? this.#large.tree : this.#cache.get(fileId)
    if (known) return known
    try {
      const trailer = readFileSync(this.path(fileId))
      const tree = { index: readTrailer(trailer, size), trailer }
      this.#keep(fileId, tree)
      return tree
    } catch {
      return null
    }
  }

  #keep(fileId: string, tree: KnownTree): void {
    if (bytesIn(tree) > this.#cacheBytes) this.#large = { fileId, tree }
    else this.#cache.set(fileId, tree)
  }
}

const bytesIn = ({ index, trailer }: KnownTree): number => index.byteLength + trailer.length + 1

function readTrailer(trailer: Buffer, size: number): TreeIndex {
  const footer = decodeFooter(trailer.subarray(-FOOTER_SIZE), size)
  return readTree([trailer.subarray(0, -FOOTER_SIZE)], footer)
}
