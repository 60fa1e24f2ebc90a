import { setImmediate } from 'node:timers/promises'
import type { Bitmap } from '../../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount, chunkLength, HASH_SIZE } from '../../../protocol/chunking.ts'
import { sha256 } from '../../../protocol/merkle.ts'
import type { HashPool } from '../../hash/pool.ts'
import type { Catalog } from '../../serve/catalog.ts'
import type { Library } from '../../serve/library.ts'
import type { Leftover, PartFile } from './part-file.ts'

const MAX_RUN = 1024
/** To look up so many chunks takes five milliseconds, in which this peer serves nobody. */
const LOOKUPS_A_TURN = 1024

/**
 * Finds the chunks that a part file holds already. After a stop in good order the marks are believed; after
 * any other end what was marked, and where more data than marks is there all else too, is hashed again. After a
 * failed sync all is hashed, and what is right is written again. Calls `found` for each chunk that is right.
 */
export async function recheck(
  part: PartFile,
  leftover: Leftover,
  hashes: Uint8Array,
  pool: HashPool,
  found: (chunk: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { marked, sealed, unmarkedData, doubted } = leftover
  if (sealed) {
    for (let chunk = 0; chunk < marked.size; chunk++) if (marked.has(chunk)) found(chunk)
    return
  }
  if (doubted) return rewrite(part, hashes, found, signal)
  if (leftover.isTree) return reread(part, marked, hashes, found, signal)
  for (const run of runs(marked, unmarkedData)) {
    const actual = await pool.hash(part.path, part.size, run, undefined, signal)
    const expected = hashes.subarray(run.first * HASH_SIZE)
    for (let i = 0; i < run.count; i++) {
      const [from, to] = [i * HASH_SIZE, (i + 1) * HASH_SIZE]
      if (Buffer.compare(actual.subarray(from, to), expected.subarray(from, to)) === 0) found(run.first + i)
    }
  }
}

/** The marked chunks of a tree, whose files may have gone. */
async function reread(
  part: PartFile,
  marked: Bitmap,
  hashes: Uint8Array,
  found: (chunk: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE)
  for (let chunk = 0; chunk < marked.size && !signal.aborted; chunk++) {
    if (!marked.has(chunk)) continue
    const data = buffer.subarray(0, chunkLength(part.size, chunk))
    const isRead = await part.read(data, chunk * CHUNK_SIZE).then(
      () => true,
      () => false,
    )
    if (isRead && sha256(data).equals(hashes.subarray(chunk * HASH_SIZE, (chunk + 1) * HASH_SIZE)))
      found(chunk)
  }
}

/** What is right was maybe read from memory, and counted as written: only another write brings it to the disk. */
async function rewrite(
  part: PartFile,
  hashes: Uint8Array,
  found: (chunk: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE)
  const chunks = chunkCount(part.size)
  for (let chunk = 0; chunk < chunks && !signal.aborted; chunk++) {
    const data = buffer.subarray(0, chunkLength(part.size, chunk))
    await part.read(data, chunk * CHUNK_SIZE)
    if (!sha256(data).equals(hashes.subarray(chunk * HASH_SIZE, (chunk + 1) * HASH_SIZE))) continue
    await part.write(data, chunk)
    found(chunk)
  }
}

/** Runs of chunks to look at: the marked ones, or all. */
function* runs(marked: Bitmap, all: boolean): Generator<{ first: number; count: number }> {
  let first = 0
  while (first < marked.size) {
    if (!all && !marked.has(first)) {
      first++
      continue
    }
    let count = 1
    while (count < MAX_RUN && first + count < marked.size && (all || marked.has(first + count))) count++
    yield { first, count }
    first += count
  }
}

/** Copies the missing chunks that this home holds in other files. Calls `found` for each, with that file's path. */
export async function copyLocalChunks(
  part: PartFile,
  have: Bitmap,
  hashes: Uint8Array,
  local: { catalog: Catalog; library: Library },
  found: (chunk: number, path: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!holdsAny(local.library)) return
  const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE)
  const pathOf = copyPaths(local.catalog)
  for (let chunk = 0; chunk < have.size && !signal.aborted; chunk++) {
    if (chunk % LOOKUPS_A_TURN === LOOKUPS_A_TURN - 1) await setImmediate()
    if (have.has(chunk)) continue
    const expected = hashes.subarray(chunk * HASH_SIZE, (chunk + 1) * HASH_SIZE)
    const where = local.catalog.findChunk(expected)
    const file = where && local.library.get(where.fileId)
    // The catalog may know it of a copy that has gone since, and what is served in its place be this very download.
    if (!where || !file?.have.has(where.index)) continue
    const data = buffer.subarray(0, chunkLength(part.size, chunk))
    try {
      const reader = await file.open()
      await reader.read(data, where.index * CHUNK_SIZE).finally(() => reader.close())
    } catch {
      // A local copy that changed meanwhile is no loss: the chunk is fetched. It is served no longer then.
      if (!holdsAny(local.library)) return
      continue
    }
    if (!sha256(data).equals(expected)) continue
    await part.write(data, chunk)
    found(chunk, pathOf(where.fileId))
  }
}

/** Looks the path of each file's copy up once: neighbouring chunks mostly come from the same file. */
function copyPaths(catalog: Catalog): (fileId: string) => string {
  const paths = new Map<string, string>()
  return (fileId) => {
    const known = paths.get(fileId)
    if (known !== undefined) return known
    const copy = catalog.byFileId(fileId).find(({ fault }) => fault === null)
    const path = copy?.path ?? 'another download'
    paths.set(fileId, path)
    return path
  }
}

/** Whether there is a chunk at all to copy: else looking each of them up would hold the start up for nothing. */
function holdsAny(library: Library): boolean {
  for (const { have } of library.values()) if (have.count > 0) return true
  return false
}
