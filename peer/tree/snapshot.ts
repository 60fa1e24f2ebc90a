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
import { fewAtOnce } from './few-at-once.ts'
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
  const files = entries.filter(hasContents)
  begin(
    files.length,
    files.reduce((sum, { size }) => sum + size, 0),
  )
  try {
    const contents = await hashContents(root, files, earlier, pool, progress, signal)
    const { index, trailer: pages } = buildTree(treeEntries(entries, contents.files, earlier))
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

interface Contents {
  /** SHA-256 of each file with contents, packed, in order. */
  files: Uint8Array
  /** Packed hashes of the whole chunks of files that have some, by path. */
  chunks: Map<string, Uint8Array>
}

async function hashContents(
  root: string,
  files: readonly ScannedEntry[],
  earlier: Earlier | null,
  pool: TreePool,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Contents> {
  const contents: Contents = { files: new Uint8Array(files.length * HASH_SIZE), chunks: new Map() }
  const changed: number[] = []
  for (const [i, file] of files.entries()) {
    if (earlier && recall(file, i, earlier, contents)) progress(file.size)
    else changed.push(i)
  }
  const hashBatch = async (batch: number[]): Promise<void> => {
    const states = batch.map((i): FileState => {
      const { path, size, mtimeNs } = files[i]!
      return { path, size, mtimeNs }
    })
    const hashed = await pool.hashFiles(root, states, signal)
    let chunk = 0
    for (const [at, { path, size }] of states.entries()) {
      contents.files.set(hashed.files.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE), batch[at]! * HASH_SIZE)
      const whole = Math.floor(size / CHUNK_SIZE)
      if (whole > 0)
        contents.chunks.set(path, hashed.chunks.subarray(chunk * HASH_SIZE, (chunk + whole) * HASH_SIZE))
      chunk += whole
      progress(size)
    }
  }
  await fewAtOnce(batches(files, changed), hashBatch)
  return contents
}

/** Takes a file's hashes from the earlier snapshot if the file is unchanged since. */
function recall(file: ScannedEntry, i: number, { index, hashes }: Earlier, contents: Contents): boolean {
  const entry = sameIn(index, file)
  if (entry === null || file.kind !== 'file') return false
  contents.files.set(index.sha256(entry), i * HASH_SIZE)
  const whole = Math.floor(file.size / CHUNK_SIZE)
  if (whole === 0) return true
  const first = firstChunkOf(index, entry)
  contents.chunks.set(file.path, hashes.subarray(first * HASH_SIZE, (first + whole) * HASH_SIZE))
  return true
}

/**
 * The entry of an earlier tree that has the same kind, size and time. Times are equal that differ only by what a download
 * could not set (set-time.ts). Null if there is none.
 */
function sameIn(earlier: TreeIndex, { path, kind, size, mtimeNs }: ScannedEntry): number | null {
  const entry = findExact(earlier, path)
  if (entry === null || entry < 0 || earlier.kind(entry) !== kind) return null
  const bytes = kind === 'file' ? BigInt(size) : 0n
  return isSameState(stateOf(earlier, entry), { size: bytes, mtimeNs }) ? entry : null
}

/** The index of a file's first whole chunk in the stream. */
const firstChunkOf = ({ contents }: TreeIndex, entry: number): number =>
  contents.bodyStarts[contents.bodyOf[contents.owners[entry]!]!]!

function* batches(files: readonly ScannedEntry[], changed: readonly number[]): Generator<number[]> {
  let batch: number[] = []
  let bytes = 0
  for (const i of changed) {
    const { size } = files[i]!
    if (batch.length === TASK_FILES || (batch.length > 0 && bytes + size > TASK_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(i)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

/** An entry that is in the earlier snapshot keeps its time there, so that a published download is the same snapshot. */
function* treeEntries(
  entries: readonly ScannedEntry[],
  hashes: Uint8Array,
  earlier: Earlier | null,
): Generator<TreeEntry> {
  const none = new Uint8Array(HASH_SIZE)
  let at = 0
  for (const entry of entries) {
    const same = earlier && sameIn(earlier.index, entry)
    const mtimeNs = same === null ? entry.mtimeNs : earlier!.index.mtimeNs(same)
    yield treeEntry({ ...entry, mtimeNs }, hasContents(entry) ? hashes.subarray(at, at + HASH_SIZE) : none)
    if (hasContents(entry)) at += HASH_SIZE
  }
}

const hasContents = ({ kind, size }: ScannedEntry): boolean => kind === 'file' && size > 0

function treeEntry({ path, kind, mode, mtimeNs, size, target }: ScannedEntry, sha256: Uint8Array): TreeEntry {
  if (kind === 'link') return { kind, path, mtimeNs, target }
  if (kind === 'folder') return { kind, path, mode, mtimeNs }
  return { kind, path, mode, mtimeNs, size, sha256 }
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
  function* unknown(): Generator<number[]> {
    let chunks: number[] = []
    for (let chunk = firstPackedChunk(index); chunk < firstOfTrailer; chunk++) {
      const same = earlier && samePackedChunk(index, chunk, earlier.index)
      if (same === null) chunks.push(chunk)
      else hashes.set(earlier!.hashes.subarray(same * HASH_SIZE, (same + 1) * HASH_SIZE), chunk * HASH_SIZE)
      if (chunks.length < TASK_CHUNKS) continue
      yield chunks
      chunks = []
    }
    if (chunks.length > 0) yield chunks
  }
  const hashBatch = async (chunks: number[]): Promise<void> => {
    const parts = chunks.map((chunk) => partsOf(index, chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE).files)
    const packed = await pool.hashChunks(root, parts, signal)
    for (const [i, chunk] of chunks.entries())
      hashes.set(packed.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE), chunk * HASH_SIZE)
  }
  await fewAtOnce(unknown(), hashBatch)
  const { files } = partsOf(index, firstOfTrailer * CHUNK_SIZE, length)
  const packed = Buffer.alloc(length - firstOfTrailer * CHUNK_SIZE)
  await pool.read(root, files, packed, signal)
  const end = Buffer.concat([packed, trailer])
  for (let at = 0, i = firstOfTrailer; at < end.length; at += CHUNK_SIZE, i++)
    hashes.set(sha256(end.subarray(at, at + CHUNK_SIZE)), i * HASH_SIZE)
  return hashes
}
