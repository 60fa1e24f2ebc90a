import { open, rm } from 'node:fs/promises'
import { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount, chunkLength } from '../../protocol/chunking.ts'
import { PART_SUFFIX } from '../../protocol/names.ts'
import { chunksOf, decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import { below } from '../../protocol/tree/listing.ts'
import type { DownloadedFile, ProgressEvent } from '../control/api.ts'
import type { SeenPeer } from '../serve/library.ts'
import { readFully } from '../serve/seeded-file.ts'
import { bytesOf } from '../tree/plan.ts'
import type { KnownTree } from '../tree/tree-store.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import type { DownloadContext } from './context.ts'
import type { Destination } from './destination.ts'
import { PartFile } from './disk/part-file.ts'
import { isTreeHere } from './disk/tree-here.ts'
import { openTreePart, workingFolder, workingName } from './disk/tree-part.ts'
import { TreeStorage } from './disk/tree-storage.ts'
import { planTree } from './disk/tree-target.ts'
import { Download } from './download.ts'
import type { DownloadJob, TreeJob } from './queue/download-job.ts'
import { TransferTotals } from './transfer-totals.ts'

/**
 * The download of a snapshot, or of a part of it: first the end of the stream, which describes the tree, then the
 * chunks with missing contents. Both are downloads of the same stream.
 */
export class SnapshotDownload {
  readonly job: DownloadJob
  readonly #tree: TreeJob
  readonly #context: DownloadContext
  readonly #limit: ByteLimit
  readonly #emit: (event: ProgressEvent) => void
  /** The downloads so far; the last one runs. */
  readonly #downloads: Download[] = []
  /** Peers that asked this one for the snapshot. Each download begins with them. */
  readonly #seen: SeenPeer[] = []
  /** Chunks at the end of the stream that also hold contents. */
  readonly #chunks = new Map<number, Uint8Array>()

  constructor(
    job: DownloadJob,
    tree: TreeJob,
    context: DownloadContext,
    limit: ByteLimit,
    emit: (event: ProgressEvent) => void,
  ) {
    this.job = job
    this.#tree = tree
    this.#context = context
    this.#limit = limit
    this.#emit = emit
  }

  get progress(): { done: number; rate: number } {
    return this.#downloads.at(-1)?.progress ?? { done: 0, rate: 0 }
  }

  get bytesFetched(): number {
    return this.#downloads.reduce((sum, { bytesFetched }) => sum + bytesFetched, 0)
  }

  seen(peer: SeenPeer): void {
    this.#seen.push(peer)
    this.#downloads.at(-1)?.seen(peer)
  }

  /** Rejects as Download does, and with TreeError for a snapshot that contradicts itself. */
  async run(signal: AbortSignal): Promise<DownloadedFile> {
    const { job } = this
    const results: DownloadedFile[] = []
    const totals = new TransferTotals(job, job.size)
    const tree =
      this.#context.trees.store.load(job.fileId, job.size) ?? (await this.#fetchTree(results, signal))
    const { catalog, trees } = this.#context
    const isHere =
      this.#tree.part === '' && (await isTreeHere(tree.index, job, { catalog, pool: trees.pool }, signal))
    if (isHere) return this.#takeHere(totals)
    results.push(await this.#run(this.#emit, job, await this.#destination(tree, signal), signal))
    return sum(results)
  }

  /** Nothing changed since this home put the snapshot there, and it is served from there. */
  #takeHere(totals: TransferTotals): DownloadedFile {
    const { name, path, size } = this.job
    this.#emit({ event: 'start', name, total: size })
    totals.reusedAll(path)
    this.#emit(totals.meter.event(performance.now(), 0))
    this.#emit({ event: 'done', name, path })
    return totals.result(path, [])
  }

  async #run(
    emit: (event: ProgressEvent) => void,
    job: DownloadJob,
    destination: Destination,
    signal: AbortSignal,
  ): Promise<DownloadedFile> {
    const download = new Download(job, this.#context, this.#limit, emit, destination)
    this.#downloads.push(download)
    for (const peer of this.#seen) download.seen(peer)
    return download.run(signal)
  }

  /** Fetches the end of the stream: the length that the tracker says, and more if the footer says more. */
  async #fetchTree(results: DownloadedFile[], signal: AbortSignal): Promise<KnownTree> {
    const { size, fileId } = this.job
    const path = this.#context.trees.store.path(fileId)
    let length = Math.min(size, Math.max(this.#tree.trailer, FOOTER_SIZE))
    for (;;) {
      results.push(await this.#fetchEnd(path, length, signal))
      // From the beginning of a chunk on, which may also hold contents.
      const from = Math.floor((size - length) / CHUNK_SIZE) * CHUNK_SIZE
      const end = await readFrom(path + PART_SUFFIX, from, size)
      const needed = decodeFooter(end.subarray(-FOOTER_SIZE), size).manifest + FOOTER_SIZE
      if (needed > length) {
        length = needed
        continue
      }
      const trailer = end.subarray(-needed)
      const index = await this.#context.trees.store.save(fileId, trailer, size)
      const first = Math.floor((size - needed) / CHUNK_SIZE)
      const start = first * CHUNK_SIZE - from
      this.#chunks.set(first, end.subarray(start, start + chunkLength(size, first)))
      await rm(path + PART_SUFFIX, { force: true })
      return { index, trailer }
    }
  }

  /** Downloads the last `length` bytes of the stream to a sparse file. Reports only its peers. */
  #fetchEnd(path: string, length: number, signal: AbortSignal): Promise<DownloadedFile> {
    const { size, fileId } = this.job
    const { first, count } = chunksOf(size - length, size)
    const wanted = new Bitmap(chunkCount(size))
    for (let chunk = first; chunk < first + count; chunk++) wanted.add(chunk)
    const bytes = bytesOf(wanted, size)
    const destination: Destination = {
      look: async () => ({ here: null, replaceable: null }),
      open: () => PartFile.open(path, fileId, size, { bytes, chunks: count }),
      wanted,
      bytes,
      serves: false,
      keep: async () => {},
    }
    const emit = (event: ProgressEvent): void => {
      if (event.event === 'peer' || event.event === 'retry') this.#emit(event)
    }
    return this.#run(emit, { ...this.job, path, keep: false, sequential: false }, destination, signal)
  }

  async #destination({ index, trailer }: KnownTree, signal: AbortSignal): Promise<Destination> {
    const { group, name, fileId, size, path, force } = this.job
    const { part } = this.#tree
    const { catalog, seeds, trees } = this.#context
    const selection = { ...(part === '' ? { first: 0, end: index.count } : below(index, part)), path: part }
    const earlier = catalog
      .byPath(path)
      .find((entry) => entry.isTree && entry.group === group && entry.name === name)
    const known = earlier && part === '' ? trees.store.load(earlier.fileId, earlier.size) : null
    const options = {
      earlier: known?.index ?? null,
      pool: trees.pool,
      force,
    }
    const { plan, target } = await planTree(index, selection, path, options, signal)
    const working = workingName(path, fileId)
    const storage = new TreeStorage(workingFolder(working), plan, target, trailer, trees.pool)
    return {
      look: async () => ({ here: null, replaceable: force ? 'any file' : null }),
      open: async () => {
        const [opened, leftover] = await openTreePart(
          working,
          this.job,
          storage,
          plan.chunks.count,
          plan.bytes,
        )
        // To be verified again with the other chunks that are there.
        for (const [chunk, data] of this.#chunks) {
          if (!plan.chunks.has(chunk)) continue
          await opened.write(data, chunk)
          leftover.marked.add(chunk)
        }
        return [opened, leftover]
      },
      wanted: plan.chunks,
      bytes: plan.bytes,
      serves: part === '',
      keep: async (state, hashes) => {
        if (part !== '') return
        await seeds.add(
          { group, name, fileId, size, path: target.path, ...state, isTree: true, fault: null },
          hashes,
        )
      },
    }
  }
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

/** The last result, with the totals of all. */
function sum(results: readonly DownloadedFile[]): DownloadedFile {
  const bytes = new Map<string, number>()
  for (const { peer, bytes: moved } of results.flatMap(({ peers }) => peers))
    bytes.set(peer, (bytes.get(peer) ?? 0) + moved)
  return {
    ...results.at(-1)!,
    seconds: results.reduce((total, { seconds }) => total + seconds, 0),
    bytesFetched: results.reduce((total, { bytesFetched }) => total + bytesFetched, 0),
    peers: [...bytes].map(([peer, moved]) => ({ peer, bytes: moved })),
  }
}
