import { hash } from 'node:crypto'
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fstatSync,
  openSync,
  rmSync,
} from 'node:fs'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { type FileState, readFully, sha256Of, withFile } from './contents.ts'
import { FolderHandles, withFolders } from './folder-handles.ts'
import { setMode } from './place.ts'
import { writeFully } from './write-tree.ts'

/** A copy of a file within a folder, with a mode of its own. */
export interface FileCopy {
  from: string
  to: string
  mode: number
}

/** Copies files within a folder, by reflink where the file system has it (ioctl_ficlonerange(2)). Throws a storage error. */
export function copyFiles(root: string, copies: readonly FileCopy[], umask: number): void {
  withFolders(root, (source) =>
    withFolders(root, (folders) => {
      for (const { from, to, mode } of copies) {
        const place = folders.pathOf(to)
        // Left by an earlier run, or put there by somebody. A copy would go through a link.
        rmSync(place, { force: true })
        copyFile(source.pathOf(from), place)
        // The copy has the mode of the original.
        setMode(place, mode & ~umask)
      }
    }),
  )
}

function copyFile(from: string, to: string): void {
  const fd = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    copyFileSync(pathOfOpen(fd, from), to, COPYING)
  } finally {
    closeSync(fd)
  }
}

/** A copy of a file from anywhere on this machine, which must turn out to have a known content. */
export interface VerifiedCopy {
  /** The file, by its absolute path, and its state when its content was known. */
  source: FileState
  to: string
  /** For the copy; the owner can read it. */
  mode: number
  sha256: Uint8Array
  /** Some bytes of the file at `to` are verified already, and are lost if it is replaced by another content. */
  isBegun: boolean
}

/**
 * Copies files into the folder `root`, large ones by reflink where the file system has it, never through a symbolic link.
 * Verifies the content of each, and takes a file that is there already if it has the content. Returns a 1 for each file
 * that is there now, and a 0 for each that is not, for any reason. Throws if it loses a file that was begun.
 */
export function copyVerified(root: string, copies: readonly VerifiedCopy[], umask: number): Uint8Array {
  const folders = new FolderHandles(root)
  try {
    return Uint8Array.from(copies, (copy) => (copyOne(folders, copy, umask) ? 1 : 0))
  } finally {
    folders.close()
  }
}

function copyOne(folders: FolderHandles, copy: VerifiedCopy, umask: number): boolean {
  const { source, sha256, isBegun } = copy
  let isLost = false
  try {
    const to = folders.pathOf(copy.to)
    const isThere = existsSync(to)
    if (isThere && isRight(to, copy, umask)) return true
    const replace = (): void => {
      isLost = isBegun
      if (isThere) rmSync(to)
    }
    withFile(source.path, source.path, source, (fd) => {
      if (source.size <= SMALL) {
        const bytes = readAll(fd, source)
        if (!hash('sha256', bytes, 'buffer').equals(sha256)) throw differs(source)
        replace()
        writeNew(to, bytes, copy.mode & ~umask)
      } else {
        if (isBegun && !sha256Of(fd, source.path, source.size).equals(sha256)) throw differs(source)
        replace()
        copyFileSync(pathOfOpen(fd, source.path), to, COPYING)
      }
    })
    if (source.size <= SMALL || isRight(to, copy, umask)) return true
    rmSync(to, { force: true })
    throw differs(source)
  } catch (error) {
    if (isLost) throw error
    // The file is fetched instead, which reports a folder that cannot be written.
    return false
  }
}

const differs = ({ path }: FileState): Error => new Error(`${path} has another content`)

/** Files of at most this size are read, verified and written, like a chunk that is fetched: a reflink saves nothing there. */
const SMALL = CHUNK_SIZE
const buffer = Buffer.allocUnsafeSlow(SMALL)

const readAll = (fd: number, { path, size }: FileState): Buffer =>
  readFully(fd, path, 0, buffer.subarray(0, size))

function writeNew(path: string, bytes: Uint8Array, mode: number): void {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL, mode)
  try {
    writeFully(fd, bytes, 0)
  } finally {
    closeSync(fd)
  }
}

/** COPYFILE_EXCL follows no symbolic link that somebody puts at the copy's name meanwhile. */
const COPYING = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL

/** Linux opens the original again by its handle: somebody may put a link or a FIFO in its place meanwhile. */
const pathOfOpen = (fd: number, path: string): string =>
  process.platform === 'linux' ? `/proc/self/fd/${fd}` : path

/** Whether the file at `path` has the content; if so, it gets its mode. */
function isRight(path: string, { source, sha256, mode }: VerifiedCopy, umask: number): boolean {
  const { size } = source
  try {
    return withFile(path, path, { path, size, mtimeNs: null }, (fd) => {
      const stat = fstatSync(fd)
      if (!stat.isFile() || stat.size !== size || !sha256Of(fd, path, size).equals(sha256)) return false
      fchmodSync(fd, mode & ~umask)
      return true
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
