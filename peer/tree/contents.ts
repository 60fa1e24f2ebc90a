import { createHash, hash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { CHUNK_SIZE, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { type FolderHandles, withFolders, withReadFolders } from './folder-handles.ts'
import { setMode } from './place.ts'

/** A file of a folder, in the state in which it was scanned or placed. */
export interface FileState {
  /** Relative to the folder. */
  path: string
  size: number
  /** Null accepts any state, because the file is still being written. */
  mtimeNs: bigint | null
}

/** Bytes [offset, offset + length) of a file. */
export interface FilePart extends FileState {
  offset: number
  length: number
}

/** place.ts sets times as floating-point seconds, which rounds them by less than this. */
const ROUNDING_NS = 1000n
/** Deno sets whole milliseconds. */
const MILLISECOND_NS = 1_000_000n
const READ_SIZE = 4 * CHUNK_SIZE
const buffer = Buffer.allocUnsafeSlow(READ_SIZE)

/** Whether a file still has its known size and modification time. */
export function isSameState(known: FileState, now: { size: bigint; mtimeNs: bigint }): boolean {
  if (known.mtimeNs === null) return true
  const difference = now.mtimeNs - known.mtimeNs
  const isRounded = now.mtimeNs % MILLISECOND_NS === 0n && difference > -MILLISECOND_NS && difference <= 0n
  const isSameTime = isRounded || (difference < ROUNDING_NS && difference > -ROUNDING_NS)
  return isSameTime && now.size === BigInt(known.size)
}

export interface FileHashes {
  /** SHA-256 of each file, packed, in order. */
  files: Uint8Array
  /** SHA-256 of each whole chunk of each file, packed, in order. Tails are left out. */
  chunks: Uint8Array
}

/** Hashes files, each read once. Throws FILE_CHANGED if one is not in its state, or a storage error. */
export function hashFiles(root: string, files: readonly FileState[]): FileHashes {
  return withReadFolders(root, (folders) => hashBelow(folders, files))
}

function hashBelow(folders: FolderHandles, files: readonly FileState[]): FileHashes {
  const whole = files.reduce((sum, { size }) => sum + Math.floor(size / CHUNK_SIZE), 0)
  const result = {
    files: new Uint8Array(files.length * HASH_SIZE),
    chunks: new Uint8Array(whole * HASH_SIZE),
  }
  let chunk = 0
  for (const [i, file] of files.entries()) {
    const digest = withFile(folders, file, (fd) => {
      if (file.size < CHUNK_SIZE) return hash('sha256', readPart(fd, folders.latest, 0, file.size), 'buffer')
      const sha256 = createHash('sha256')
      for (let at = 0; at < file.size; at += READ_SIZE) {
        const bytes = readPart(fd, folders.latest, at, Math.min(READ_SIZE, file.size - at))
        sha256.update(bytes)
        for (let start = 0; start + CHUNK_SIZE <= bytes.length; start += CHUNK_SIZE)
          result.chunks.set(
            hash('sha256', bytes.subarray(start, start + CHUNK_SIZE), 'buffer'),
            chunk++ * HASH_SIZE,
          )
      }
      return sha256.digest()
    })
    result.files.set(digest, i * HASH_SIZE)
  }
  return result
}

/** Packed hashes of chunks that are made of parts of files. Throws as `hashFiles`. */
export function hashChunks(root: string, chunks: readonly (readonly FilePart[])[]): Uint8Array {
  const hashes = new Uint8Array(chunks.length * HASH_SIZE)
  withReadFolders(root, (folders) => {
    for (const [i, parts] of chunks.entries()) {
      const length = readInto(folders, parts, buffer)
      hashes.set(hash('sha256', buffer.subarray(0, length), 'buffer'), i * HASH_SIZE)
    }
  })
  return hashes
}

/** The concatenated bytes of parts of files. Throws as `hashFiles`. */
export function readParts(root: string, parts: readonly FilePart[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  withReadFolders(root, (folders) => readInto(folders, parts, bytes))
  return bytes
}

function readInto(folders: FolderHandles, parts: readonly FilePart[], into: Uint8Array): number {
  let at = 0
  for (const part of parts) {
    withFile(folders, part, (fd) =>
      readFully(fd, folders.latest, part.offset, into.subarray(at, at + part.length)),
    )
    at += part.length
  }
  return at
}

/** Opens a file, never by a link, and refuses it if it is not in its state, before and after. */
function withFile<T>(folders: FolderHandles, file: FileState, use: (fd: number) => T): T {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const fd = openSync(folders.pathOf(file.path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    if (!isSameState(file, fstatSync(fd, { bigint: true }))) throw changed(folders.latest)
    const result = use(fd)
    if (!isSameState(file, fstatSync(fd, { bigint: true }))) throw changed(folders.latest)
    return result
  } finally {
    closeSync(fd)
  }
}

function readPart(fd: number, path: string, position: number, length: number): Buffer {
  return readFully(fd, path, position, buffer.subarray(0, length))
}

function readFully<T extends Uint8Array>(fd: number, path: string, position: number, into: T): T {
  for (let done = 0; done < into.length; ) {
    const n = readSync(fd, into, done, into.length - done, position + done)
    if (n === 0) throw changed(path)
    done += n
  }
  return into
}

export const changed = (path: string): ShoalError =>
  new ShoalError('FILE_CHANGED', `${path} changed while it was read`, {
    hint: 'run the command again once nothing writes to the folder',
  })

/** The present state of paths of a folder, as columns. */
export interface States {
  kinds: Uint8Array
  sizes: Float64Array
  times: BigInt64Array
}
export const ABSENT = 0
export const FILE = 1
export const FOLDER = 2
export const LINK = 3
export const OTHER = 4

export function statesOf(root: string, paths: readonly string[]): States {
  const states: States = {
    kinds: new Uint8Array(paths.length),
    sizes: new Float64Array(paths.length),
    times: new BigInt64Array(paths.length),
  }
  for (const [i, path] of paths.entries()) {
    const stat = statOf(join(root, path))
    if (!stat) continue
    states.kinds[i] = stat.isFile()
      ? FILE
      : stat.isDirectory()
        ? FOLDER
        : stat.isSymbolicLink()
          ? LINK
          : OTHER
    states.sizes[i] = Number(stat.size)
    states.times[i] = stat.mtimeNs
  }
  return states
}

/** Null if nothing is there, also if a parent is a file. */
function statOf(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return null
    throw error
  }
}

/** A copy of a file within a folder, with a mode of its own. */
export interface FileCopy {
  from: string
  to: string
  mode: number
}

/** Linux opens the original without following a link; copyFileSync would follow it. */
function copyFile(from: string, to: string): void {
  const { COPYFILE_FICLONE, COPYFILE_EXCL, O_RDONLY, O_NOFOLLOW } = constants
  const fd = openSync(from, O_RDONLY | O_NOFOLLOW)
  try {
    const original = process.platform === 'linux' ? `/proc/self/fd/${fd}` : from
    copyFileSync(original, to, COPYFILE_FICLONE | COPYFILE_EXCL)
  } finally {
    closeSync(fd)
  }
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
