import { stat } from 'node:fs/promises'
import { ShoalError } from '../../protocol/errors.ts'
import { partsOf } from './parts.ts'
import type { TreePool } from './pool.ts'
import type { TreeStore } from './tree-store.ts'

/** A folder of this machine that holds a snapshot. */
export interface TreeCopy {
  fileId: string
  /** Of the stream. */
  size: number
  /** The folder. */
  path: string
}

export interface StreamReader {
  /** Fills `into` with the bytes of the stream from `position`. Throws FILE_CHANGED. */
  read(into: Uint8Array, position: number): Promise<void>
  close(): Promise<void>
}

/** Reads the streams of snapshots from the folders that hold them. */
export class TreeCopies {
  readonly store: TreeStore
  readonly pool: TreePool

  constructor(store: TreeStore, pool: TreePool) {
    this.store = store
    this.pool = pool
  }

  /**
   * The stream of a snapshot, or null if its folder or its manifest is gone. Calls `onChanged` when a file is not in
   * the state of the manifest.
   */
  async open(copy: TreeCopy, onChanged: () => void): Promise<StreamReader | null> {
    const tree = this.store.load(copy.fileId, copy.size)
    if (tree === null || !(await isFolder(copy.path))) return null
    const signal = new AbortController().signal
    return {
      read: async (into, position) => {
        const { files, trailer } = partsOf(tree.index, position, position + into.length)
        const end = into.length - trailer.length
        into.set(tree.trailer.subarray(trailer.offset, trailer.offset + trailer.length), end)
        if (files.length === 0) return
        await this.pool.read(copy.path, files, into.subarray(0, end), signal).catch((error: unknown) => {
          if (!isGone(error)) throw error
          onChanged()
          throw new ShoalError('FILE_CHANGED', error.message)
        })
      },
      close: async () => {},
    }
  }

  /** Whether the folder and the manifest exist. `read` compares the files. */
  async isThere(copy: TreeCopy): Promise<boolean> {
    return this.store.load(copy.fileId, copy.size) !== null && (await isFolder(copy.path))
  }
}

/** Whether a file is not what it was, or something else is there. A failing disk or too many open files pass. */
const isGone = (error: unknown): error is ShoalError =>
  error instanceof ShoalError && ['FILE_CHANGED', 'PATH_NOT_FOUND', 'PATH_IN_THE_WAY'].includes(error.code)

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
