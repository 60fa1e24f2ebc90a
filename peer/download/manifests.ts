import { open, rm } from 'node:fs/promises'
import { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount, chunkLength } from '../../protocol/chunking.ts'
import { PART_SUFFIX } from '../../protocol/names.ts'
import { chunksOf, decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import type { DownloadedFile } from '../control/api.ts'
import { readFully } from '../serve/seeded-file.ts'
import { bytesOf } from '../tree/plan.ts'
import type { KnownTree, TreeStore } from '../tree/tree-store.ts'
import type { Destination } from './destination.ts'
import { PartFile } from './disk/part-file.ts'
import type { DownloadJob } from './queue/download-job.ts'

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
  /** The chunk in which the manifest begins, which may also hold contents. */
  shared: { chunk: number; data: Uint8Array } | null
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
   * says to fetch. Rejects as Download does, and with TreeError for a snapshot that contradicts itself.
   */
  async get(job: DownloadJob, trailer: number, run: RunDownload, signal: AbortSignal): Promise<FetchedTree> {
    for (;;) {
      const tree = this.#store.load(job.fileId, job.size)
      if (tree !== null) return { tree, results: [], shared: null }
      const other = this.#fetching.get(job.fileId)
      if (other === undefined) break
      await endOrAbort(other, signal)
    }
    const fetching = this.#fetch(job, trailer, run, signal)
    this.#fetching.set(job.fileId, fetching)
    return fetching.finally(() => this.#fetching.delete(job.fileId))
  }

  /** Fetches the end of the stream: `trailer` bytes, and more if the footer says more. */
  async #fetch(
    job: DownloadJob,
    trailer: number,
    run: RunDownload,
    signal: AbortSignal,
  ): Promise<FetchedTree> {
    const { size, fileId } = job
    const path = this.#store.path(fileId)
    const results: DownloadedFile[] = []
    let length = Math.min(size, Math.max(trailer, FOOTER_SIZE))
    for (;;) {
      const part = { ...job, path, keep: false, sequential: false }
      results.push(await run(part, endOfStream(part, length), signal))
      // From the beginning of a chunk on, which may also hold contents.
      const from = Math.floor((size - length) / CHUNK_SIZE) * CHUNK_SIZE
      const end = await readFrom(path + PART_SUFFIX, from, size)
      const needed = decodeFooter(end.subarray(-FOOTER_SIZE), size).manifest + FOOTER_SIZE
      if (needed > length) {
        length = needed
        continue
      }
      const bytes = end.subarray(-needed)
      const index = await this.#store.save(fileId, bytes, size)
      await rm(path + PART_SUFFIX, { force: true })
      const chunk = Math.floor((size - needed) / CHUNK_SIZE)
      const start = chunk * CHUNK_SIZE - from
      const data = end.subarray(start, start + chunkLength(size, chunk))
      return { tree: { index, trailer: bytes }, results, shared: { chunk, data } }
    }
  }
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
