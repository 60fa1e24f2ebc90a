import { createHash, hash } from 'node:crypto'
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { CHUNK_SIZE, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { type FolderHandles, withReadFolders } from './folder-handles.ts'

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

/** Where set-time.ts has only floating-point seconds, they round times by less than this. */
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
    const digest = withFile(folders.pathOf(file.path), folders.latest, file, (fd) =>
      sha256Of(fd, folders.latest, file.size, (bytes) => {
        for (let start = 0; start + CHUNK_SIZE <= bytes.length; start += CHUNK_SIZE)
          result.chunks.set(
            hash('sha256', bytes.subarray(start, start + CHUNK_SIZE), 'buffer'),
            chunk++ * HASH_SIZE,
          )
      }),
    )
    result.files.set(digest, i * HASH_SIZE)
  }
  return result
}

/**
 * The SHA-256 of the first `size` bytes of an open file. Calls `each` for them, in pieces of whole chunks and a tail.
 * Throws FILE_CHANGED, with `path`, if the file is shorter.
 */
export function sha256Of(fd: number, path: string, size: number, each?: (bytes: Buffer) => void): Buffer {
  if (size < CHUNK_SIZE) return hash('sha256', readPart(fd, path, 0, size), 'buffer')
  const sha256 = createHash('sha256')
  for (let at = 0; at < size; at += READ_SIZE) {
    const bytes = readPart(fd, path, at, Math.min(READ_SIZE, size - at))
    sha256.update(bytes)
    each?.(bytes)
  }
  return sha256.digest()
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

/** Reads parts of files into a buffer, one after the other. Throws as `hashFiles`. */
export function readParts(
  root: string,
  parts: readonly FilePart[],
  buffer: ArrayBuffer,
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, { length }) => sum + length, 0)
  const bytes = new Uint8Array(buffer, 0, length)
  withReadFolders(root, (folders) => readInto(folders, parts, bytes))
  return bytes
}

function readInto(folders: FolderHandles, parts: readonly FilePart[], into: Uint8Array): number {
  let at = 0
  for (const part of parts) {
    withFile(folders.pathOf(part.path), folders.latest, part, (fd) =>
      readFully(fd, folders.latest, part.offset, into.subarray(at, at + part.length)),
    )
    at += part.length
  }
  return at
}

/** Opens the file at `place`, never by a link. Throws FILE_CHANGED, with the path `shown`, if it is not in its state before and after. */
export function withFile<T>(place: string, shown: string, file: FileState, use: (fd: number) => T): T {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const fd = openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    if (!isSameState(file, fstatSync(fd, { bigint: true }))) throw changed(shown)
    const result = use(fd)
    if (!isSameState(file, fstatSync(fd, { bigint: true }))) throw changed(shown)
    return result
  } finally {
    closeSync(fd)
  }
}

function readPart(fd: number, path: string, position: number, length: number): Buffer {
  return readFully(fd, path, position, buffer.subarray(0, length))
}

/** Fills `into` from `position` on. Throws FILE_CHANGED, with `path`, if the file is shorter. */
export function readFully<T extends Uint8Array>(fd: number, path: string, position: number, into: T): T {
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
  /** Permission bits. */
  modes: Uint16Array
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
    modes: new Uint16Array(paths.length),
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
    states.modes[i] = Number(stat.mode) & 0o777
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
