import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { ShoalError } from '../../protocol/errors.ts'
import { withFolders } from './folder-handles.ts'

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

/**
 * Writes a verified chunk into the files of a tree, never through a symbolic link, and never into a file that has a
 * second name. Throws a storage error.
 */
export function writeTree(root: string, parts: readonly WritePart[], data: Uint8Array): void {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  withFolders(root, (folders) => {
    for (const { path, mode, offset, at, length } of parts) {
      const fd = openSync(folders.pathOf(path), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode)
      try {
        requireOwn(fd, folders.latest)
        writeFully(fd, data.subarray(at, at + length), offset)
      } finally {
        closeSync(fd)
      }
    }
  })
}

/** A file that has another name too, or is none, belongs to somebody else. */
function requireOwn(fd: number, path: string): void {
  const stat = fstatSync(fd)
  if (stat.isFile() && stat.nlink === 1) return
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a file of this download`, {
    hint: 'move it out of the way, then run the same command again',
  })
}

/** Writes all of `data` at `position`. */
export function writeFully(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; )
    done += writeSync(fd, data, done, data.length - done, position + done)
}
