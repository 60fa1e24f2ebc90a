import { fstatSync, statSync } from 'node:fs'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { writeFully } from '../tree/write-tree.ts'

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

/**
 * Throws FILE_CHANGED if the path no longer names the open file. A run that slept through the end of its download must
 * not change the finished file's modification time: its owner would stop serving it.
 */
export function requireNamed({ fd, path }: { fd: number; path: string }): void {
  const named = statSync(path, { throwIfNoEntry: false })
  if (named?.ino === fstatSync(fd).ino) return
  throw new ShoalError('FILE_CHANGED', `${path} is complete or was removed: it takes no more writes`)
}
