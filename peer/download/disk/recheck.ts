import { setImmediate } from 'node:timers/promises'
import type { Bitmap } from '../../../protocol/bitmap.ts'
import { hashAt, isChunk, isSameChunk } from '../../../protocol/chunk-hashes.ts'
import { CHUNK_SIZE, chunkCount, chunkLength, HASH_SIZE } from '../../../protocol/chunking.ts'
import type { HashPool } from '../../hash/pool.ts'
import type { Catalog } from '../../serve/catalog.ts'
import type { Library } from '../../serve/library.ts'
import type { Leftover, PartFile } from './part-file.ts'

const MAX_RUN = 1024
/** This many look-ups take five milliseconds, in which this peer serves nobody. */
const LOOKUPS_A_TURN = 1024

/**
 * Finds the chunks that a part file already holds, and calls `found` for each. After a clean stop it trusts the marks.
 * After any other end it hashes the marked chunks, and the others too if there is more data than marks. After a failed
 * sync it hashes all chunks, and writes the right ones again.
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
    for (let i = 0; i < run.count; i++) if (isSameChunk(actual, expected, i)) found(run.first + i)
  }
}

/** Rechecks the marked chunks of a tree, whose files may be gone. */
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
    if (isRead && isChunk(data, hashes, chunk)) found(chunk)
  }
}

/** Writes the right chunks again: the system may hold them in memory and count them as written. */
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
    if (!isChunk(data, hashes, chunk)) continue
    await part.write(data, chunk)
    found(chunk)
  }
}

/** Runs of chunks to hash: the marked ones, or all. */
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

/** Copies missing chunks from other files of this home. Calls `found` for each, with that file's path. */
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
    const where = local.catalog.findChunk(hashAt(hashes, chunk))
    const file = where && local.library.get(where.fileId)
    // The catalog's copy may be gone, and the library may have this very download in its place.
    if (!where || !file?.have.has(where.index)) continue
    const data = buffer.subarray(0, chunkLength(part.size, chunk))
    try {
      const reader = await file.open()
      await reader.read(data, where.index * CHUNK_SIZE).finally(() => reader.close())
    } catch {
      // The local copy changed, and is no longer served. The chunk is fetched instead.
      if (!holdsAny(local.library)) return
      continue
    }
    if (!isChunk(data, hashes, chunk)) continue
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

/** Whether there is any chunk to copy. Without one, the look-ups would only delay the start. */
function holdsAny(library: Library): boolean {
  for (const { have } of library.values()) if (have.count > 0) return true
  return false
}
