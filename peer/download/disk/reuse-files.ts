import { join } from 'node:path'
import type { Bitmap } from '../../../protocol/bitmap.ts'
import { CHUNK_SIZE, HASH_SIZE } from '../../../protocol/chunking.ts'
import { chunksOf } from '../../../protocol/tree/footer.ts'
import { segmentsOfEntry } from '../../../protocol/tree/layout.ts'
import type { Catalog, DownloadedPart } from '../../serve/catalog.ts'
import type { FileState } from '../../tree/contents.ts'
import type { VerifiedCopy } from '../../tree/copies.ts'
import type { Carrier, TreePlan } from '../../tree/plan.ts'
import type { TreeCopies } from '../../tree/tree-copy.ts'

/** Bytes and files that one task of a thread copies. */
const TASK_BYTES = 32 * 1024 * 1024
const TASK_FILES = 200

/** A wanted file, and where its bytes are in the stream. */
interface Missing extends Carrier {
  chunks: number[]
  isBegun: boolean
}

type Folder = Pick<DownloadedPart, 'fileId' | 'size' | 'path' | 'part'>

interface Source {
  file: Missing
  /** By its absolute path. */
  source: FileState
}

export interface LocalContents {
  catalog: Catalog
  trees: TreeCopies
}

/** Receives each chunk whose wanted files are all in place, with the path that the last of them came from. */
type Found = (chunk: number, path: string) => void

/**
 * Puts wanted files whose contents this home has elsewhere into the working folder of a tree: files of other snapshots,
 * found by SHA-256, and plain files, found by the hash of their first chunk. Each copy is hashed, so nothing that the
 * catalog or a manifest says is trusted. Memory is bounded by the wanted tree and one other at a time: the manifests are
 * read by a thread, one after the other.
 */
export async function reuseFiles(
  plan: TreePlan,
  working: string,
  hashes: Uint8Array,
  settled: Bitmap,
  local: LocalContents,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, trees } = local
  const folders = foldersOf(catalog)
  const sizes = catalog.plainSizes()
  if (folders.length === 0 && sizes.size === 0) return
  const reuse = new Reuse(plan, settled, found)
  const copy = (sources: readonly Source[], from: string | null): Promise<unknown> =>
    Promise.all(
      batches(sources).map(async (batch) => {
        const copies = batch.map(({ file, source }) => copyOf(plan, file, source))
        const areThere = await trees.pool.copyVerified(working, copies, signal)
        for (const [i, { file, source }] of batch.entries())
          if (areThere[i] === 1) reuse.placed(file, from ?? source.path)
      }),
    )
  for (const { fileId, size, path, part } of folders) {
    const { missing } = reuse
    if (missing.length === 0) return
    const wanted = pack(missing.map(({ owner }) => plan.index.sha256(owner)))
    const request = { trailer: trees.store.path(fileId), size, part, wanted }
    const { numbers, files } = await trees.pool.findFiles(request, signal)
    const sources = files.map((file, i) => ({
      file: missing[numbers[i]!]!,
      source: { ...file, path: join(path, file.path) },
    }))
    await copy(sources, path)
  }
  await copy(plainSources(plan, reuse.missing, sizes, hashes, catalog), null)
}

/** Which files are still missing, and of each chunk how many. */
class Reuse {
  readonly #missing = new Set<Missing>()
  readonly #left: Uint32Array
  readonly #settled: Bitmap
  readonly #found: Found

  constructor(plan: TreePlan, settled: Bitmap, found: Found) {
    this.#left = new Uint32Array(settled.size)
    this.#settled = settled
    this.#found = found
    for (const carrier of plan.carriers()) {
      const chunks = chunksOfFile(plan, carrier.owner)
      const held = chunks.filter((chunk) => settled.has(chunk))
      if (held.length === chunks.length) continue
      this.#missing.add({ ...carrier, chunks, isBegun: held.length > 0 })
      for (const chunk of chunks) this.#left[chunk]!++
    }
  }

  get missing(): Missing[] {
    return [...this.#missing]
  }

  placed(file: Missing, from: string): void {
    this.#missing.delete(file)
    for (const chunk of file.chunks)
      if (--this.#left[chunk]! === 0 && !this.#settled.has(chunk)) this.#found(chunk, from)
  }
}

function chunksOfFile({ index }: TreePlan, owner: number): number[] {
  return segmentsOfEntry(index, owner).flatMap(({ streamOffset, length }) => {
    const { first, count } = chunksOf(streamOffset, streamOffset + length)
    return Array.from({ length: count }, (_, i) => first + i)
  })
}

/**
 * The snapshots and parts of snapshots that this home has in folders, each once. Files that changed since do not matter:
 * copies are verified.
 */
function foldersOf(catalog: Catalog): Folder[] {
  const folders = new Map<string, Folder>()
  for (const { fileId, size, path } of catalog.trees())
    folders.set(`${fileId} ${path}`, { fileId, size, path, part: '' })
  return [...folders.values(), ...catalog.parts()]
}

/**
 * Plain files that begin like wanted ones and are as long. The hash of the first chunk is known of both; that of a file
 * of at most a chunk is its SHA-256.
 */
function plainSources(
  { index }: TreePlan,
  missing: readonly Missing[],
  sizes: ReadonlySet<number>,
  hashes: Uint8Array,
  catalog: Catalog,
): Source[] {
  return missing.flatMap((file) => {
    const size = index.size(file.owner)
    if (!sizes.has(size)) return []
    const [first] = file.chunks
    const hash =
      size <= CHUNK_SIZE
        ? index.sha256(file.owner)
        : hashes.subarray(first! * HASH_SIZE, (first! + 1) * HASH_SIZE)
    const place = catalog.findChunk(hash)
    if (place?.index !== 0) return []
    const entry = catalog.byFileId(place.fileId).find((copy) => !copy.isTree && copy.size === size)
    return entry ? [{ file, source: { path: entry.path, size, mtimeNs: entry.mtimeNs } }] : []
  })
}

const copyOf = (
  { index }: TreePlan,
  { owner, path, mode, isBegun }: Missing,
  source: FileState,
): VerifiedCopy => ({
  source,
  to: path,
  mode,
  sha256: index.sha256(owner),
  isBegun,
})

function pack(hashes: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(hashes.length * HASH_SIZE)
  for (const [i, hash] of hashes.entries()) packed.set(hash, i * HASH_SIZE)
  return packed
}

function batches(sources: readonly Source[]): Source[][] {
  const result: Source[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const each of sources) {
    if (bytes + each.source.size > TASK_BYTES || result.at(-1)!.length === TASK_FILES) {
      result.push([])
      bytes = 0
    }
    result.at(-1)!.push(each)
    bytes += each.source.size
  }
  return result
}
