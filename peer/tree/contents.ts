import { createHash, hash } from 'node:crypto'
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
} from 'node:fs'
import { join } from 'node:path'
import { CHUNK_SIZE, HASH_SIZE } from '../../protocol/chunking.ts'

/** A file of a folder, in the state in which it was scanned or placed. */
export interface FileState {
  /** Relative to the folder. */
  path: string
  size: number
  /** null: in whatever state it is, because it is still being written. */
  mtimeNs: bigint | null
}

/** Bytes [offset, offset + length) of a file. */
export interface FilePart extends FileState {
  offset: number
  length: number
}

/** Times are set as floating-point seconds where nothing better is there (place.ts), which rounds them by less than this. */
const ROUNDING_NS = 1000n
/** Deno sets whole milliseconds. */
const MILLISECOND_NS = 1_000_000n
const READ_SIZE = 4 * CHUNK_SIZE
const buffer = Buffer.allocUnsafeSlow(READ_SIZE)

/** Whether a file still has the size and time that are known of it. */
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
  /** SHA-256 of each whole chunk of each file, packed, in order. A file's tail is not among them. */
  chunks: Uint8Array
}

/** Hashes files, each read once. Throws ESTALE, with the file's path, if one is not in its state. */
export function hashFiles(root: string, files: readonly FileState[]): FileHashes {
  const whole = files.reduce((sum, { size }) => sum + Math.floor(size / CHUNK_SIZE), 0)
  const result = {
    files: new Uint8Array(files.length * HASH_SIZE),
    chunks: new Uint8Array(whole * HASH_SIZE),
  }
  let chunk = 0
  for (const [i, file] of files.entries()) {
    const digest = withFile(root, file, (fd) => {
      if (file.size < CHUNK_SIZE) return hash('sha256', readPart(fd, file, 0, file.size), 'buffer')
      const sha256 = createHash('sha256')
      for (let at = 0; at < file.size; at += READ_SIZE) {
        const bytes = readPart(fd, file, at, Math.min(READ_SIZE, file.size - at))
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

/** Packed hashes of chunks, each of which is made of parts of files. */
export function hashChunks(root: string, chunks: readonly (readonly FilePart[])[]): Uint8Array {
  const hashes = new Uint8Array(chunks.length * HASH_SIZE)
  for (const [i, parts] of chunks.entries()) {
    const length = readInto(root, parts, buffer)
    hashes.set(hash('sha256', buffer.subarray(0, length), 'buffer'), i * HASH_SIZE)
  }
  return hashes
}

/** The bytes of parts of files, one behind the other. Throws ESTALE as `hashFiles`. */
export function readParts(root: string, parts: readonly FilePart[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  readInto(root, parts, bytes)
  return bytes
}

function readInto(root: string, parts: readonly FilePart[], into: Uint8Array): number {
  let at = 0
  for (const part of parts) {
    withFile(root, part, (fd) => readFully(fd, part, part.offset, into.subarray(at, at + part.length)))
    at += part.length
  }
  return at
}

/** Opens a file, never by a link, and refuses it if it is not in its state, before and after. */
function withFile<T>(root: string, file: FileState, use: (fd: number) => T): T {
  const fd = openSync(join(root, file.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    if (!isSameState(file, fstatSync(fd, { bigint: true }))) throw stale(file)
    const result = use(fd)
    if (!isSameState(file, fstatSync(fd, { bigint: true }))) throw stale(file)
    return result
  } finally {
    closeSync(fd)
  }
}

function readPart(fd: number, file: FileState, position: number, length: number): Buffer {
  return readFully(fd, file, position, buffer.subarray(0, length))
}

function readFully<T extends Uint8Array>(fd: number, file: FileState, position: number, into: T): T {
  for (let done = 0; done < into.length; ) {
    const n = readSync(fd, into, done, into.length - done, position + done)
    if (n === 0) throw stale(file)
    done += n
  }
  return into
}

const stale = ({ path }: FileState): Error =>
  Object.assign(new Error(`${path} changed while it was read`), { code: 'ESTALE' })

/** What is at paths of a folder now, as columns. */
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

/** null where nothing is, also below a file. */
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

/** Copies files within a folder, by reflink where the file system has it (ioctl_ficlonerange(2)). */
export function copyFiles(root: string, copies: readonly FileCopy[], umask: number): void {
  for (const { from, to, mode } of copies) {
    copyFileSync(join(root, from), join(root, to), constants.COPYFILE_FICLONE)
    // The copy has the mode of the original.
    chmodSync(join(root, to), mode & ~umask)
  }
}
