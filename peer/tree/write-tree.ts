import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { storageError } from '../../protocol/errors.ts'
import { FolderHandles } from './folder-handles.ts'

/** The bytes of a chunk that belong to one file of a tree. */
export interface WritePart {
  /** Relative to the root, with slashes. */
  path: string
  /** The mode of a new file. */
  mode: number
  /** Positions of the first byte in the file and in the chunk. */
  offset: number
  at: number
  length: number
}

/** Writes a verified chunk into the files of a tree, never through a symbolic link. Throws a storage error. */
export function writeTree(root: string, parts: readonly WritePart[], data: Uint8Array): void {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  const folders = new FolderHandles(root)
  try {
    for (const { path, mode, offset, at, length } of parts) {
      const fd = openSync(folders.pathOf(path), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode)
      try {
        writeFully(fd, data.subarray(at, at + length), offset)
      } finally {
        closeSync(fd)
      }
    }
  } catch (error) {
    throw storageError(error, root)
  } finally {
    folders.close()
  }
}

/** Writes all of `data` at `position`. */
export function writeFully(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; )
    done += writeSync(fd, data, done, data.length - done, position + done)
}
