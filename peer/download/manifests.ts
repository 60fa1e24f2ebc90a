import { open, rm } from 'node:fs/promises'
import { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount, chunkLength } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { PART_SUFFIX } from '../../protocol/names.ts'
import { MAX_MANIFEST_BYTES } from '../../protocol/tree/entry.ts'
import { TreeError } from '../../protocol/tree/errors.ts'
import { chunksOf, decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import type { DownloadedFile } from '../control/api.ts'
import { readFully } from '../serve/seeded-file.ts'
import { bytesOf } from '../tree/plan.ts'
import type { KnownTree, TreeStore } from '../tree/tree-store.ts'
import type { Destination } from './destination.ts'
import { PartFile } from './disk/part-file.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** The longest end of a stream: a publisher may claim any length. */
const MAX_TRAILER = MAX_MANIFEST_BYTES + FOOTER_SIZE

/** Downloads a part of a stream, as Download does. */
export type RunDownload = (
  job: DownloadJob,
  destination: Destination,
  signal: AbortSignal,
) => Promise<DownloadedFile>

export interface FetchedTree {
  tree: KnownTree
  /** Of the downloads that fetched it; none where this home had the manifest. */
  results: DownloadedFile[]
  /** The chunk in which the manifest begins, if it was fetched: it may also hold contents. */
  chunks: ReadonlyMap<number, Uint8Array>
}

/** Finds the trees of snapshots: in this home, else by fetching the end of the stream and nothing more. */
export class Manifests {
  readonly #store: TreeStore
  /** By file id: a manifest is fetched to one part file, so by one download at a time. */
  readonly #fetching = new Map<string, Promise<unknown>>()

  constructor(store: TreeStore) {
    this.#store = store
  }

  /**
   * The tree of the job's snapshot, verified against its file id. `trailer` is the number of bytes that the tracker
   * says to fetch. Rejects as Download does, and with TREE_INVALID for a snapshot that contradicts itself.
   */
  async get(job: DownloadJob, trailer: number, run: RunDownload, signal: AbortSignal): Promise<FetchedTree> {
    for (;;) {
      const tree = this.#store.load(job.fileId, job.size)
      if (tree !== null) return { tree, results: [], chunks: new Map() }
      const other = this.#fetching.get(job.fileId)
      if (other === undefined) break
      await endOrAbort(other, signal)
    }
    const fetching = this.#fetch(job, trailer, run, signal)
    this.#fetching.set(job.fileId, fetching)
    return fetching.finally(() => this.#fetching.delete(job.fileId))
  }

  /**
   * Fetches the end of the stream: `trailer` bytes, and more if the footer says more. Throws TREE_INVALID before anything
   * is allocated for a tree that contradicts itself, and keeps nothing of it.
   */
  async #fetch(
    job: DownloadJob,
    trailer: number,
    run: RunDownload,
    signal: AbortSignal,
  ): Promise<FetchedTree> {
    const { size, group, name } = job
    const part = { ...job, path: this.#store.path(job.fileId), keep: false, sequential: false }
    const results: DownloadedFile[] = []
    try {
      const fetched = Math.min(size, Math.max(trailer, FOOTER_SIZE), MAX_TRAILER)
      results.push(await run(part, endOfStream(part, fetched), signal))
      const length = await lengthOfEnd(part)
      if (length > fetched) results.push(await run(part, endOfStream(part, length), signal))
      return { ...(await this.#keepEnd(part, length)), results }
    } catch (error) {
      if (!(error instanceof TreeError)) throw error
      await rm(part.path + PART_SUFFIX, { force: true })
      throw new ShoalError(
        'TREE_INVALID',
        `${group}:${name} was published as a broken snapshot: ${error.message}`,
        { hint: 'ask its publisher to publish it again with a current version of Shoal' },
      )
    }
  }

  /** Stores the end of the stream, of `length` bytes, from the file to which it was fetched. Throws TreeError. */
  async #keepEnd({ path, fileId, size }: DownloadJob, length: number): Promise<Omit<FetchedTree, 'results'>> {
    const chunk = Math.floor((size - length) / CHUNK_SIZE)
    // From the beginning of a chunk on, which may also hold contents.
    const end = await readFrom(path + PART_SUFFIX, chunk * CHUNK_SIZE, size)
    const trailer = end.subarray(-length)
    const index = await this.#store.save(fileId, trailer, size)
    await rm(path + PART_SUFFIX, { force: true })
    return { tree: { index, trailer }, chunks: new Map([[chunk, end.subarray(0, chunkLength(size, chunk))]]) }
  }
}

/** The length of the stream's manifest and footer, which the fetched footer tells. Throws TreeError. */
async function lengthOfEnd({ path, size }: DownloadJob): Promise<number> {
  const footer = await readFrom(path + PART_SUFFIX, Math.max(0, size - FOOTER_SIZE), size)
  return decodeFooter(footer, size).manifest + FOOTER_SIZE
}

/** A sparse file that gets the last `length` bytes of the job's stream. */
function endOfStream({ path, fileId, size }: DownloadJob, length: number): Destination {
  const { first, count } = chunksOf(size - length, size)
  const wanted = new Bitmap(chunkCount(size))
  for (let chunk = first; chunk < first + count; chunk++) wanted.add(chunk)
  const bytes = bytesOf(wanted, size)
  return {
    look: async () => ({ here: null, replaceable: null }),
    open: () => PartFile.open(path, fileId, size, { bytes, chunks: count }),
    wanted,
    bytes,
    serves: false,
    keep: async () => {},
  }
}

/** Resolves when `other` has settled; rejects with the signal's reason when that comes first. */
async function endOrAbort(other: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  other.then(
    () => resolve(),
    () => resolve(),
  )
  await promise.finally(() => signal.removeEventListener('abort', abort))
}

/** The bytes of a file from `position` to its end at `size`. */
async function readFrom(path: string, position: number, size: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const bytes = Buffer.alloc(size - position)
    await readFully(file, bytes, position, path)
    return bytes
  } finally {
    await file.close()
  }
}
