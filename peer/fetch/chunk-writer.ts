import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { FolderHandles } from './folder-handles.ts'

/** The bytes of a chunk that go into one file of a tree. */
export interface WritePart {
  /** Relative to the root, with slashes. */
  path: string
  /** Mode of the file, if it has to be created. */
  mode: number
  /** Where the bytes begin, in the file (`offset`) and in the chunk (`at`). */
  offset: number
  at: number
  length: number
}

/** Writes all of `data` at `position`. Throws a storage error that names `path`. */
export function writeFile(
  { fd, path }: { fd: number; path: string },
  data: Uint8Array,
  position: number,
): void {
  try {
    writeFully(fd, data, position)
  } catch (error) {
    throw storageError(error, path)
  }
}

/** Throws FILE_CHANGED if the path no longer names the open file (`ExtentTarget.isShared`). */
export function requireNamed({ fd, path }: { fd: number; path: string }): void {
  const named = statSync(path, { throwIfNoEntry: false })
  if (named?.ino === fstatSync(fd).ino) return
  throw new ShoalError('FILE_CHANGED', `${path} is complete or was removed: it takes no more writes`)
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

function writeFully(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; )
    done += writeSync(fd, data, done, data.length - done, position + done)
}
