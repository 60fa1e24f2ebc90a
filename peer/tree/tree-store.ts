import { readFileSync, rmSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { storageError } from '../../protocol/errors.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTrailer } from './trailer.ts'

/** A download that was interrupted longer ago fetches its manifest again. */
const STALE_MS = 24 * 3600_000
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

  /** How many downloads and uploads use a manifest that no copy needs yet. */
  readonly #uses = new Map<string, number>()

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

  /** Keeps the manifest until the work ends: a copy may need it then. */
  async whileUsed<T>(fileId: string, work: () => Promise<T>): Promise<T> {
    this.#uses.set(fileId, (this.#uses.get(fileId) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = this.#uses.get(fileId)! - 1
      if (left > 0) this.#uses.set(fileId, left)
      else this.#uses.delete(fileId)
    }
  }

  /** Removes the manifest of a snapshot that no copy needs any more, unless it is in use. */
  drop(fileId: string): void {
    if (this.#uses.has(fileId)) return
    this.#cache.delete(fileId)
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
