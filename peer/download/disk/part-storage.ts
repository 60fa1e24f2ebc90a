import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, rm, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ShoalError, storageError } from '../../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../../protocol/names.ts'
import { isSameFile } from './overwriting.ts'

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * Opens a regular file, or returns null if there is none; refuses symbolic links, pipes and devices. A file with a second
 * name belongs to the user: a crash between the link and the unlink of `giveName` leaves one. It only loses the name
 * `path`.
 */
export async function openPlain(path: string): Promise<FileHandle | null> {
  const handle = await open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  })
  if (handle === null) return null
  try {
    const stat = await handle.stat()
    if (stat.isFile() && stat.nlink === 1) return handle
    if (!stat.isFile())
      throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a regular file`, {
        hint: 'move what is there out of the way',
      })
    await unlink(path)
  } catch (error) {
    await handle.close()
    throw error
  }
  await handle.close()
  return null
}

/** Makes a file. Throws EEXIST where the name is taken, also by a link. */
export function createPlain(path: string, mode: number, flags = 0): Promise<FileHandle> {
  return open(path, flags | O_RDWR | O_CREAT | O_EXCL, mode)
}

/** Whether the open file is the one with this name. */
export async function hasName(file: FileHandle, path: string): Promise<boolean> {
  const [open, named] = await Promise.all([
    file.stat({ bigint: true }),
    lstat(path, { bigint: true }).catch(() => null),
  ])
  return named !== null && named.ino === open.ino && named.dev === open.dev
}

/** Removes the working names of a file that also has its final name, after a crash in `giveName`. */
export async function removeWorkingNames(finalPath: string): Promise<void> {
  const path = finalPath + PART_SUFFIX
  if (!(await isSameFile(path, finalPath))) return
  for (const name of [path, finalPath + JOURNAL_SUFFIX]) await rm(name, { force: true })
}

/** Throws NO_SPACE before the first write if the disk has too little. A disk that fills up later fails at a write. */
export async function requireSpace(path: string, bytes: number): Promise<void> {
  if (bytes <= 0) return
  const { bavail, bsize } = await statfs(dirname(path))
  const free = bavail * bsize
  if (free >= bytes) return
  throw new ShoalError('NO_SPACE', `${path} needs ${bytes} more bytes, but the disk has only ${free} free`, {
    hint: 'free some space, then run the same command again',
  })
}

/** Makes a rename in the folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the folder that a path lies in. */
export async function makeParent(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw storageError(error, dirname(path))
  })
}
