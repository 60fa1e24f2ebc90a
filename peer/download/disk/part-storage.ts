import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rm, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ShoalError, storageError } from '../../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../../protocol/names.ts'
import { isSameFile } from './overwriting.ts'

/**
 * Opens or makes a regular file; refuses symbolic links, pipes and devices. A file with a second name belongs to the
 * user: a crash between the link and the unlink of `giveName` leaves one. It only loses the name `path`.
 */
export async function openPlain(path: string, mode: number, opened: FileHandle[]): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants
  const append = path.endsWith(JOURNAL_SUFFIX) ? O_APPEND : 0
  const handle = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | append, mode)
  opened.push(handle)
  const stat = await handle.stat()
  if (stat.isFile() && stat.nlink > 1) {
    opened.pop()
    await handle.close()
    await unlink(path)
    return openPlain(path, mode, opened)
  }
  if (stat.isFile()) return handle
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a regular file`, {
    hint: 'move what is there out of the way',
  })
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
