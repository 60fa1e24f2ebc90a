import { chmod, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Extent } from '../../../protocol/chunking.ts'
import { ShoalError } from '../../../protocol/errors.ts'
import { segmentsOfRange } from '../../../protocol/tree/layout.ts'
import type { FilePart } from '../../tree/contents.ts'
import type { TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import { writeTree } from '../../tree/write-tree.ts'
import { mergeTree } from './merge-tree.ts'
import { giveName, type Replaceable } from './overwriting.ts'
import { syncFolder } from './part-storage.ts'
import type { PartStorage, Place, Sync } from './storage.ts'
import { syncFileSystem } from './sync-file-system.ts'
import type { TreeTarget } from './tree-target.ts'

const never = new AbortController().signal

/**
 * A tree that is being downloaded. Its files have their final names in a working folder beside the target, on the same
 * file system. One rename moves them to the target, or one rename each if the target exists.
 */
export class TreeStorage implements PartStorage {
  readonly path: string
  readonly #plan: TreePlan
  readonly #target: TreeTarget
  readonly #trailer: Buffer
  readonly #pool: TreePool
  /** Paths that the merge removed. */
  removed: readonly string[] = []

  constructor(path: string, plan: TreePlan, target: TreeTarget, trailer: Buffer, pool: TreePool) {
    this.path = path
    this.#plan = plan
    this.#target = target
    this.#trailer = trailer
    this.#pool = pool
  }

  /** Makes the working folder, its folders and its empty files. */
  async begin(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    if (this.#target.kind !== 'single') {
      const folders = [...this.#plan.entries()].filter(({ kind }) => kind === 'folder')
      await this.#pool.place(this.path, 'make', folders, never)
    }
    for (const { path, mode } of this.#plan.emptyFiles())
      await (await open(join(this.path, path), 'a', mode)).close()
  }

  place({ first, count }: Extent): Place {
    const chunks = Array.from({ length: count }, (_, i) => this.#plan.partsOf(first + i))
    return { path: this.path, tree: { root: this.path, chunks } }
  }

  /** Throws CHUNK_NOT_HELD for bytes that this download leaves out. */
  async read(into: Uint8Array, position: number): Promise<void> {
    const parts: FilePart[] = []
    let files = 0
    for (const { entry, offset, length } of segmentsOfRange(
      this.#plan.index,
      position,
      position + into.length,
    )) {
      if (entry === null) into.set(this.#trailer.subarray(offset, offset + length), files)
      else parts.push(this.#partOf(entry, offset, length))
      if (entry !== null) files += length
    }
    if (parts.length > 0) into.set(await this.#pool.read('/', parts, never))
  }

  #partOf(entry: number, offset: number, length: number): FilePart {
    const place = this.#plan.placeOf(entry)
    if (place === null) throw new ShoalError('CHUNK_NOT_HELD', 'this part of the snapshot is not downloaded')
    const { index } = this.#plan
    const path = join(place.isNew ? this.path : this.#target.path, place.path).slice(1)
    return { path, size: index.size(entry), mtimeNs: null, offset, length }
  }

  async write(data: Uint8Array, chunk: number): Promise<void> {
    writeTree(this.path, this.#plan.partsOf(chunk), data)
  }

  sync(): Promise<void> {
    return syncFileSystem(this.path)
  }

  async publish(replaceable: Replaceable, sync: Sync): Promise<{ mtimeNs: bigint; ino: bigint }> {
    const { path: to, kind } = this.#target
    await this.#pool.copy(this.path, this.#plan.copies, never)
    if (kind === 'merge')
      this.removed = await mergeTree(this.path, this.#plan, this.#target, this.#pool, sync)
    else {
      const entries = [...this.#plan.entries()]
      const links = entries.filter((entry) => entry.kind === 'link')
      await this.#pool.place(this.path, 'make', links, never)
      await this.#pool.place(this.path, 'finish', entries, never)
      if (kind === 'new') await chmod(this.path, 0o777 & ~process.umask())
      await sync(() => this.sync())
      await giveName(kind === 'new' ? this.path : join(this.path, entries[0]!.path), to, replaceable)
      await sync(() => syncFolder(dirname(to)))
    }
    if (kind !== 'new') await rm(this.path, { recursive: true, force: true })
    const { mtimeNs, ino } = await stat(to, { bigint: true })
    return { mtimeNs, ino }
  }

  async modified(): Promise<null> {
    return null
  }

  async close(): Promise<void> {}
}
