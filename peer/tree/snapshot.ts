import { join } from 'node:path'
import { CHUNK_SIZE, HASH_SIZE } from '../../protocol/chunking.ts'
import { firstOf, ShoalError, storageError } from '../../protocol/errors.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot, sha256 } from '../../protocol/merkle.ts'
import { collisionError, treeCollisions } from '../../protocol/tree/collisions.ts'
import type { TreeEntry } from '../../protocol/tree/entry.ts'
import { firstPackedChunk, samePackedChunk } from '../../protocol/tree/layout.ts'
import { outwardLinkError, outwardLinks } from '../../protocol/tree/links.ts'
import { findExact } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { buildTree } from '../../protocol/tree/tree-reader.ts'
import { changed, FILE, type FileState, isSameState } from './contents.ts'
import { partsOf, stateOf } from './parts.ts'
import type { TreePool } from './pool.ts'
import type { ScannedEntry } from './scan.ts'

/** The most bytes, files and chunks that one task of a thread hashes. */
const TASK_BYTES = 32 * 1024 * 1024
const TASK_FILES = 500
const TASK_CHUNKS = 64
/** The most problems that one message names. */
const NAMED_PROBLEMS = 10

export interface SnapshotOptions {
  exclude: readonly string[]
  include: readonly string[]
  /** Keeps links that lead out of the folder, instead of refusing them. */
  keepsLinks: boolean
  allowsCollisions: boolean
}

export interface Snapshot {
  index: TreeIndex
  /** Manifest and footer. */
  trailer: Buffer
  /** Packed chunk hashes of the stream. */
  hashes: Uint8Array
  fileId: string
  /** Bytes of the stream. */
  size: number
  /** Paths that were left out: sockets, pipes and devices. */
  skipped: string[]
}

/** An earlier snapshot of the folder. Files that are unchanged since need not be read again. */
export interface Earlier {
  index: TreeIndex
  hashes: Uint8Array
}

/**
 * Makes a snapshot of a folder. `begin` gets the number of its files and their bytes in total, `progress` the bytes of
 * each file once its hashes are known. Throws FOLDER_UNREADABLE with all problems in one message, USAGE for an empty
 * folder, LINK_OUTSIDE, NAMES_COLLIDE, FILE_CHANGED, TreeError for limits, or the signal's reason.
 */
export async function makeSnapshot(
  root: string,
  options: SnapshotOptions,
  pool: TreePool,
  {
    earlier,
    begin,
    progress,
  }: {
    earlier: Earlier | null
    begin(files: number, bytes: number): void
    progress(bytes: number): void
  },
  signal: AbortSignal,
): Promise<Snapshot> {
  const { entries, problems, skipped } = await pool.scan({ root, ...options }, signal)
  refuseProblems(root, problems)
  if (entries.length === 0)
    throw new ShoalError('USAGE', `${root} is empty, or all of it is excluded`, {
      hint: 'name a folder that holds something',
    })
  const files = entries.filter(({ kind, size }) => kind === 'file' && size > 0)
  begin(
    files.length,
    files.reduce((sum, { size }) => sum + size, 0),
  )
  try {
    const contents = await hashContents(root, files, earlier, pool, progress, signal)
    const { index, trailer: pages } = buildTree(
      entries.map((entry) =>
        treeEntry({ ...entry, mtimeNs: timeOf(entry, earlier, contents) }, contents.files),
      ),
    )
    refuseUnsafe(index, options)
    const trailer = Buffer.concat(pages)
    const hashes = await hashStream(root, index, trailer, contents.chunks, earlier, pool, signal)
    await refuseChanged(root, files, pool, signal)
    const size = index.streamSize
    return { index, trailer, hashes, size, skipped, fileId: fileId(size, merkleRoot(hashes)) }
  } catch (error) {
    throw storageError(error, root)
  }
}

/** A file that changed after it was hashed would be published with a content that is no longer there. */
async function refuseChanged(
  root: string,
  files: readonly ScannedEntry[],
  pool: TreePool,
  signal: AbortSignal,
): Promise<void> {
  const paths = files.map(({ path }) => path)
  const { kinds, sizes, times } = await pool.states(root, paths, signal)
  for (const [i, file] of files.entries()) {
    const isSame = kinds[i] === FILE && sizes[i] === file.size && times[i] === file.mtimeNs
    if (!isSame) throw changed(join(root, file.path))
  }
}

function refuseProblems(root: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  const named = firstOf(problems, NAMED_PROBLEMS, '; ')
  throw new ShoalError('FOLDER_UNREADABLE', `${root} was not published: ${named}`, {
    hint: 'make the files readable, or leave them out with --exclude',
  })
}

function refuseUnsafe(index: TreeIndex, { keepsLinks, allowsCollisions }: SnapshotOptions): void {
  if (!keepsLinks)
    for (const link of outwardLinks(index)) throw outwardLinkError(index.path(link), index.target(link))
  const found = allowsCollisions ? [] : treeCollisions(index)
  if (found.length > 0) throw collisionError(found)
}

/** By path, for each file that is not empty: its SHA-256, and the packed hashes of its whole chunks. */
interface Contents {
  files: Map<string, Uint8Array>
  chunks: Map<string, Uint8Array>
  /** Files that have not changed since the earlier snapshot. */
  unchanged: Map<string, bigint>
}

async function hashContents(
  root: string,
  files: readonly ScannedEntry[],
  earlier: Earlier | null,
  pool: TreePool,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Contents> {
  const contents: Contents = { files: new Map(), chunks: new Map(), unchanged: new Map() }
  const changed = files.filter((file) => {
    if (!earlier || !recall(file, earlier, contents)) return true
    progress(file.size)
    return false
  })
  const hashBatch = async (batch: FileState[]): Promise<void> => {
    const hashed = await pool.hashFiles(root, batch, signal)
    let chunk = 0
    for (const [i, { path, size }] of batch.entries()) {
      contents.files.set(path, hashed.files.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE))
      const whole = Math.floor(size / CHUNK_SIZE)
      contents.chunks.set(path, hashed.chunks.subarray(chunk * HASH_SIZE, (chunk + whole) * HASH_SIZE))
      chunk += whole
      progress(size)
    }
  }
  await Promise.all(batches(changed).map(hashBatch))
  return contents
}

/** Takes a file's hashes from the earlier snapshot if the file is unchanged since. */
function recall(file: ScannedEntry, { index, hashes }: Earlier, contents: Contents): boolean {
  const entry = findExact(index, file.path)
  if (entry === null || entry < 0 || index.kind(entry) !== 'file') return false
  if (!isSameState(stateOf(index, entry), { size: BigInt(file.size), mtimeNs: file.mtimeNs })) return false
  contents.files.set(file.path, index.sha256(entry))
  contents.unchanged.set(file.path, index.mtimeNs(entry))
  const whole = Math.floor(file.size / CHUNK_SIZE)
  const first = whole === 0 ? 0 : firstChunkOf(index, entry)
  contents.chunks.set(file.path, hashes.subarray(first * HASH_SIZE, (first + whole) * HASH_SIZE))
  return true
}

/**
 * The time of an entry: that of the earlier snapshot where the difference is only what a download could not set
 * (set-time.ts). So a downloaded folder that is published again is the same snapshot.
 */
function timeOf(entry: ScannedEntry, earlier: Earlier | null, { unchanged }: Contents): bigint {
  const known = unchanged.get(entry.path)
  if (known !== undefined || !earlier || entry.size > 0) return known ?? entry.mtimeNs
  const at = findExact(earlier.index, entry.path)
  if (at === null || at < 0 || earlier.index.kind(at) !== entry.kind) return entry.mtimeNs
  const mtimeNs = earlier.index.mtimeNs(at)
  const isSame = isSameState({ path: '', size: 0, mtimeNs }, { size: 0n, mtimeNs: entry.mtimeNs })
  return isSame ? mtimeNs : entry.mtimeNs
}

/** The index of a file's first whole chunk in the stream. */
const firstChunkOf = ({ contents }: TreeIndex, entry: number): number =>
  contents.bodyStarts[contents.bodyOf[contents.owners[entry]!]!]!

function batches(files: readonly ScannedEntry[]): FileState[][] {
  const result: FileState[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const { path, size, mtimeNs } of files) {
    if (bytes + size > TASK_BYTES || result.at(-1)!.length === TASK_FILES) {
      result.push([])
      bytes = 0
    }
    result.at(-1)!.push({ path, size, mtimeNs })
    bytes += size
  }
  return result
}

function treeEntry(
  { path, kind, mode, mtimeNs, size, target }: ScannedEntry,
  hashes: Map<string, Uint8Array>,
): TreeEntry {
  if (kind === 'link') return { kind, path, mtimeNs, target }
  if (kind === 'folder') return { kind, path, mode, mtimeNs }
  return { kind, path, mode, mtimeNs, size, sha256: hashes.get(path) ?? new Uint8Array(HASH_SIZE) }
}

/**
 * The hashes of all chunks of the stream: those of whole chunks of files are known, and those of packed chunks that the
 * earlier snapshot has too. The others are read.
 */
async function hashStream(
  root: string,
  index: TreeIndex,
  trailer: Buffer,
  known: Contents['chunks'],
  earlier: Earlier | null,
  pool: TreePool,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { bodies, bodyStarts, length } = index.contents
  const hashes = new Uint8Array(index.chunkCount * HASH_SIZE)
  for (const [i, entry] of bodies.entries())
    hashes.set(known.get(index.path(entry))!, bodyStarts[i]! * HASH_SIZE)
  const firstOfTrailer = Math.floor(length / CHUNK_SIZE)
  const unknown: number[] = []
  for (let chunk = firstPackedChunk(index); chunk < firstOfTrailer; chunk++) {
    const same = earlier && samePackedChunk(index, chunk, earlier.index)
    if (same === null) unknown.push(chunk)
    else hashes.set(earlier!.hashes.subarray(same * HASH_SIZE, (same + 1) * HASH_SIZE), chunk * HASH_SIZE)
  }
  const hashBatch = async (chunks: number[]): Promise<void> => {
    const parts = chunks.map((chunk) => partsOf(index, chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE).files)
    const packed = await pool.hashChunks(root, parts, signal)
    for (const [i, chunk] of chunks.entries())
      hashes.set(packed.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE), chunk * HASH_SIZE)
  }
  const tasks: Promise<void>[] = []
  for (let at = 0; at < unknown.length; at += TASK_CHUNKS)
    tasks.push(hashBatch(unknown.slice(at, at + TASK_CHUNKS)))
  await Promise.all(tasks)
  const { files } = partsOf(index, firstOfTrailer * CHUNK_SIZE, length)
  const end = Buffer.concat([await pool.read(root, files, signal), trailer])
  for (let at = 0, i = firstOfTrailer; at < end.length; at += CHUNK_SIZE, i++)
    hashes.set(sha256(end.subarray(at, at + CHUNK_SIZE)), i * HASH_SIZE)
  return hashes
}
