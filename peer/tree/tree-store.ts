import { closeSync, fstatSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { writePrivateFile } from '../../packed/private-file.ts'
import { decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTrailer } from '../../protocol/tree/tree-reader.ts'

/** A download that was interrupted longer ago fetches its manifest again. */
const STALE_MS = 24 * 3600_000
/** Bytes of the trees that are kept in memory, beside one that is larger. */
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
  readonly #cacheBytes: number
  readonly #cache: LRUCache<string, KnownTree>
  /** The last tree that is too large for the cache: to decode a million entries for each request takes seconds. */
  #large: { fileId: string; tree: KnownTree } | null = null

  /** How many downloads and uploads use a manifest that no copy needs yet. */
  readonly #uses = new Map<string, number>()

  constructor(home: string, cacheBytes = CACHE_BYTES) {
    this.#cacheBytes = cacheBytes
    this.#cache = new LRUCache({ maxSize: cacheBytes, sizeCalculation: bytesIn })
    this.#folder = join(home, 'trees')
  }

  /** The path of a snapshot's manifest in this home. */
  path(fileId: string): string {
    return join(this.#folder, fileId)
  }

  /** Stores a verified trailer. `size` is the size of the stream. Throws TreeError, or a storage error. */
  async save(fileId: string, trailer: Buffer, size: number): Promise<TreeIndex> {
    const index = readTrailer(trailer, size)
    await this.put(fileId, { index, trailer })
    return index
  }

  /** Stores a tree that was built here. Throws a storage error. */
  async put(fileId: string, tree: KnownTree): Promise<void> {
    await writePrivateFile(this.path(fileId), tree.trailer)
    this.#keep(fileId, tree)
  }

  /** The tree of a snapshot. Null if this home lacks it, or if its file is damaged. */
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

  /** The number of entries of a snapshot's tree, read from its footer alone. Null as `load`. */
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

  #keep(fileId: string, tree: KnownTree): void {
    if (bytesIn(tree) > this.#cacheBytes) this.#large = { fileId, tree }
    else this.#cache.set(fileId, tree)
  }

  /** Keeps the manifests until the work ends: a copy may need them then. */
  async whileUsed<T>(fileIds: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const fileId of fileIds) this.#uses.set(fileId, (this.#uses.get(fileId) ?? 0) + 1)
    try {
      return await work()
    } finally {
      for (const fileId of fileIds) this.#release(fileId)
    }
  }

  #release(fileId: string): void {
    const left = this.#uses.get(fileId)! - 1
    if (left > 0) this.#uses.set(fileId, left)
    else this.#uses.delete(fileId)
  }

  /** Removes the manifest of a snapshot that no copy needs any more, unless it is in use. */
  drop(fileId: string): void {
    if (this.#uses.has(fileId)) return
    this.#cache.delete(fileId)
    if (this.#large?.fileId === fileId) this.#large = null
    rmSync(this.path(fileId), { force: true })
  }

  /**
   * Removes manifests that no copy needs, and what a crash left of others. What is less than a day old stays: a download
   * that was interrupted goes on with it.
   */
  async sweep(isNeeded: (fileId: string) => boolean, now = Date.now()): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (isNeeded(name)) continue
      const path = join(this.#folder, name)
      const found = await stat(path).catch(() => null)
      if (found && now - found.mtimeMs > STALE_MS) await rm(path, { force: true })
    }
  }
}

const bytesIn = ({ index, trailer }: KnownTree): number => index.byteLength + trailer.length + 1
