import { CHUNK_SIZE, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot, sha256 } from '../../protocol/merkle.ts'
import { collisionError, treeCollisions } from '../../protocol/tree/collisions.ts'
import type { TreeEntry } from '../../protocol/tree/entry.ts'
import { outwardLinkError, outwardLinks } from '../../protocol/tree/links.ts'
import { findExact } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { buildTree } from '../../protocol/tree/tree-reader.ts'
import { type FileState, isSameState } from './contents.ts'
import { partsOf, stateOf } from './parts.ts'
import type { TreePool } from './pool.ts'
import type { ScannedEntry } from './scan.ts'

/** Bytes and files that one task of a thread hashes. */
const TASK_BYTES = 32 * 1024 * 1024
const TASK_FILES = 500
const TASK_CHUNKS = 64
/** Problems that one message names. */
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

/** A snapshot that this home knows, whose unchanged files need not be read again. */
export interface Earlier {
  index: TreeIndex
  hashes: Uint8Array
}

/**
 * Makes a snapshot of a folder as it is now. `progress` hears of bytes that were read. Throws one error with all
 * problems of the folder; LINK_OUTSIDE, NAMES_COLLIDE, FILE_CHANGED, TreeError for limits, or the signal's reason.
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
    const hashes = await hashStream(root, index, trailer, contents.chunks, pool, signal)
    const size = index.streamSize
    return { index, trailer, hashes, size, skipped, fileId: fileId(size, merkleRoot(hashes)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESTALE') throw storageError(error, root)
    throw new ShoalError('FILE_CHANGED', `${root}: ${(error as Error).message}`, {
      hint: 'run the command again once nothing writes to the folder',
    })
  }
}

function refuseProblems(root: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  const named = problems.slice(0, NAMED_PROBLEMS).join('; ')
  const more = problems.length > NAMED_PROBLEMS ? `; and ${problems.length - NAMED_PROBLEMS} more` : ''
  throw new ShoalError('FOLDER_UNREADABLE', `${root} was not published: ${named}${more}`, {
    hint: 'make the files readable, or leave them out with --exclude',
  })
}

function refuseUnsafe(index: TreeIndex, { keepsLinks, allowsCollisions }: SnapshotOptions): void {
  if (!keepsLinks)
    for (const link of outwardLinks(index)) throw outwardLinkError(index.path(link), index.target(link))
  const found = allowsCollisions ? [] : treeCollisions(index)
  if (found.length > 0) throw collisionError(found)
}

/** Of each file with contents: its SHA-256, and the packed hashes of its whole chunks. */
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

/** Takes the hashes of a file that the earlier snapshot has in the same state. */
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

/** The chunk of the stream with which the whole chunks of a file begin. */
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

/** The hashes of all chunks of the stream: those of whole chunks of files are known, the packed ones are read. */
async function hashStream(
  root: string,
  index: TreeIndex,
  trailer: Buffer,
  known: Contents['chunks'],
  pool: TreePool,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { bodies, bodyStarts, length } = index.contents
  const hashes = new Uint8Array(index.chunkCount * HASH_SIZE)
  let chunk = 0
  for (const [i, entry] of bodies.entries()) {
    const packed = known.get(index.path(entry))!
    hashes.set(packed, bodyStarts[i]! * HASH_SIZE)
    chunk = bodyStarts[i]! + packed.length / HASH_SIZE
  }
  const firstOfTrailer = Math.floor(length / CHUNK_SIZE)
  const tasks: Promise<void>[] = []
  for (; chunk < firstOfTrailer; chunk += TASK_CHUNKS) {
    const first = chunk
    const count = Math.min(TASK_CHUNKS, firstOfTrailer - first)
    const parts = Array.from({ length: count }, (_, i) => {
      const start = (first + i) * CHUNK_SIZE
      return partsOf(index, start, start + CHUNK_SIZE).files
    })
    tasks.push(pool.hashChunks(root, parts, signal).then((packed) => hashes.set(packed, first * HASH_SIZE)))
  }
  await Promise.all(tasks)
  const { files } = partsOf(index, firstOfTrailer * CHUNK_SIZE, length)
  const end = Buffer.concat([await pool.read(root, files, signal), trailer])
  for (let at = 0, i = firstOfTrailer; at < end.length; at += CHUNK_SIZE, i++)
    hashes.set(sha256(end.subarray(at, at + CHUNK_SIZE)), i * HASH_SIZE)
  return hashes
}
