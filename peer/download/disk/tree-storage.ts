import { closeSync, constants, lstatSync, openSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Extent } from '../../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../../protocol/errors.ts'
import { segmentsOfRange } from '../../../protocol/tree/layout.ts'
import type { FilePart, FileState } from '../../tree/contents.ts'
import { FolderHandles, withFolders } from '../../tree/folder-handles.ts'
import { type Placed, setMode, WORKING_FILE } from '../../tree/place.ts'
import type { TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import { writeTree } from '../../tree/write-tree.ts'
import { mergeTree } from './merge-tree.ts'
import { giveFolderName, type Replaceable } from './overwriting.ts'
import { syncFolder } from './part-storage.ts'
import type { PartStorage, Place, Sync } from './storage.ts'
import type { TreeTarget } from './tree-target.ts'

const never = new AbortController().signal

/**
 * A tree that is being downloaded. Its files have their final names in a working folder beside the target, on the same
 * file system. One rename moves them to the target, or one rename each if the folder exists.
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

  /**
   * Makes the working folder, its folders and its empty files. If it `continues` an earlier run, what that run left stays,
   * and nothing else; otherwise nobody knows what is in a folder that is there.
   */
  async begin(continues: boolean): Promise<void> {
    const found = lstatSync(this.path, { throwIfNoEntry: false })
    const stays = continues && found?.isDirectory() === true
    if (found && !stays) await this.#clear()
    if (!stays) await mkdir(this.path, { mode: 0o700 })
    const entries = [...this.#plan.entries()]
    if (stays) {
      const files = new Set(this.#plan.files())
      const ours = entries.filter(({ kind, path }) => kind !== 'file' || files.has(path))
      await this.#pool.sweep(this.path, ours, never)
    }
    await this.#pool.place(this.path, 'make', entries.filter(isMadeFirst), never)
    withFolders(this.path, (folders) => {
      for (const { path, mode } of this.#plan.emptyFiles()) makeEmpty(folders.pathOf(path), mode)
    })
  }

  #clear(): Promise<void> {
    return this.#pool.remove(this.path, never)
  }

  place({ first, count }: Extent): Place {
    const chunks = Array.from({ length: count }, (_, i) => this.#plan.partsOf(first + i))
    return { path: this.path, tree: { root: this.path, chunks } }
  }

  /** Throws CHUNK_NOT_HELD for bytes that this download leaves out. */
  async read(into: Uint8Array, position: number): Promise<void> {
    const parts = new Map<string, { part: FilePart; at: number }[]>()
    let end = 0
    for (const { entry, offset, length } of segmentsOfRange(
      this.#plan.index,
      position,
      position + into.length,
    )) {
      if (entry === null) into.set(this.#trailer.subarray(offset, offset + length), end)
      else {
        const { root, ...file } = this.#fileOf(entry)
        const part = { ...file, offset, length }
        const same = parts.get(root)
        if (same) same.push({ part, at: end })
        else parts.set(root, [{ part, at: end }])
      }
      end += length
    }
    for (const [root, wanted] of parts) {
      const files = wanted.map(({ part }) => part)
      const bytes = new Uint8Array(files.reduce((sum, { length }) => sum + length, 0))
      await this.#pool.read(root, files, bytes, never)
      let from = 0
      for (const { part, at } of wanted) {
        into.set(bytes.subarray(from, from + part.length), at)
        from += part.length
      }
    }
  }

  #fileOf(entry: number): FileState & { root: string } {
    const place = this.#plan.placeOf(entry)
    if (place === null) throw new ShoalError('CHUNK_NOT_HELD', 'this part of the snapshot is not downloaded')
    const root = place.isNew ? this.path : this.#target.path
    return { root, path: place.path, size: this.#plan.index.size(entry), mtimeNs: null }
  }

  async write(data: Uint8Array, chunk: number): Promise<void> {
    writeTree(this.path, this.#plan.partsOf(chunk), data)
  }

  sync(): Promise<void> {
    return this.#pool.sync(this.path)
  }

  async publish(_: Replaceable, sync: Sync): Promise<{ mtimeNs: bigint; ino: bigint }> {
    const { path: to, kind } = this.#target
    await this.#pool.copy(this.path, this.#plan.copies, never)
    if (kind === 'merge') {
      this.removed = await mergeTree(this.path, this.#plan, this.#target, this.#pool, sync)
      await this.#clear()
    } else await this.#giveName(sync)
    const { mtimeNs, ino } = await stat(to, { bigint: true })
    return { mtimeNs, ino }
  }

  async #giveName(sync: Sync): Promise<void> {
    const to = this.#target.path
    const entries = [...this.#plan.entries()]
    const links = entries.filter((entry) => entry.kind === 'link')
    await this.#pool.place(this.path, 'make', links, never)
    await this.#pool.place(this.path, 'finish', entries, never)
    await sync(() => this.sync())
    const folders = new FolderHandles(this.path)
    try {
      setMode(folders.pathOf('.'), 0o777 & ~process.umask())
      await giveFolderName(this.path, to, statSync(folders.pathOf('.')))
    } catch (error) {
      throw storageError(error, to)
    } finally {
      folders.close()
    }
    await sync(() => syncFolder(dirname(to)))
  }

  async modified(): Promise<null> {
    return null
  }

  async close(): Promise<void> {}
}

/** Folders; and files that the owner cannot write once they are finished, as an earlier run may have left them. */
const isMadeFirst = ({ kind, mode }: Placed): boolean =>
  kind === 'folder' || (kind === 'file' && (mode & WORKING_FILE) !== WORKING_FILE)

/** Makes an empty file, unless it is there. */
function makeEmpty(place: string, mode: number): void {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  closeSync(openSync(place, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode))
}
