import { open, rm } from 'node:fs/promises'
import { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount, chunkLength } from '../../protocol/chunking.ts'
import { PART_SUFFIX } from '../../protocol/names.ts'
import { chunksOf, decodeFooter, FOOTER_SIZE } from '../../protocol/tree/footer.ts'
import { below } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { DownloadedFile, ProgressEvent, TreeChanges } from '../control/api.ts'
import type { CatalogEntry } from '../serve/catalog.ts'
import type { SeenPeer } from '../serve/library.ts'
import { readFully } from '../serve/seeded-file.ts'
import { bytesOf, type TreePlan } from '../tree/plan.ts'
import type { KnownTree } from '../tree/tree-store.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import type { DownloadContext } from './context.ts'
import type { Destination } from './destination.ts'
import { PartFile } from './disk/part-file.ts'
import { openTreePart, workingFolder, workingName } from './disk/tree-part.ts'
import { TreeStorage } from './disk/tree-storage.ts'
import { changesOf, planTree, type TreeTarget } from './disk/tree-target.ts'
import { Download } from './download.ts'
import type { DownloadJob, TreeJob } from './queue/download-job.ts'

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
    const tree =
      this.#context.trees.store.load(job.fileId, job.size) ?? (await this.#fetchTree(results, signal))
    const { mirror } = this.#tree
    const planned = await this.#plan(tree, signal)
    const changes = mirror ? changesOf(planned.plan, planned.target) : null
    if (changes && mirror?.dryRun) return dryRun(job, changes)
    const storage = this.#storage(planned, tree)
    results.push(await this.#run(this.#emit, job, this.#destination(planned, storage), signal))
    return { ...sum(results), ...(changes ? { changes: { ...changes, deleted: [...storage.removed] } } : {}) }
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

  async #plan({ index }: KnownTree, signal: AbortSignal): Promise<Planned> {
    const { path, force } = this.job
    const { part, mirror = null } = this.#tree
    const { pool } = this.#context.trees
    const mirroring = mirror && { ...mirror, begun: this.#trees(mirror.begun) }
    const selection = { ...(part === '' ? { first: 0, end: index.count } : below(index, part)), path: part }
    return planTree(
      index,
      selection,
      path,
      { earlier: this.#earlier(), pool, force, mirror: mirroring },
      signal,
    )
  }

  /** The trees that this home has put there, the newest last. */
  #earlier(): TreeIndex[] {
    const { group, name, path } = this.job
    const { part, mirror } = this.#tree
    const { catalog } = this.#context
    const isEarlier = (entry: CatalogEntry): boolean =>
      entry.isTree === true && entry.group === group && entry.name === name
    const recorded = part === '' ? catalog.byPath(path).filter(isEarlier).slice(0, 1) : []
    return this.#trees([...(mirror?.earlier ?? []), ...recorded])
  }

  #trees(snapshots: readonly { fileId: string; size: number }[]): TreeIndex[] {
    const { store } = this.#context.trees
    return snapshots.flatMap(({ fileId, size }) => store.load(fileId, size)?.index ?? [])
  }

  #storage({ plan, target }: Planned, { trailer }: KnownTree): TreeStorage {
    const { path, fileId } = this.job
    const working = workingFolder(workingName(path, fileId))
    return new TreeStorage(working, plan, target, trailer, this.#context.trees.pool)
  }

  #destination({ plan, target }: Planned, storage: TreeStorage): Destination {
    const { group, name, fileId, size, path, force } = this.job
    const { part } = this.#tree
    const { seeds } = this.#context
    return {
      look: async () => ({ here: null, replaceable: force ? 'any file' : null }),
      open: async () => {
        const [opened, leftover] = await openTreePart(
          workingName(path, fileId),
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

interface Planned {
  plan: TreePlan
  target: TreeTarget
}

/** The result of a mirror that only looks. */
function dryRun({ name, fileId, size, path }: DownloadJob, changes: TreeChanges): DownloadedFile {
  const moved = { seconds: 0, bytesFetched: 0, bytesReused: 0, reusedFrom: [], peers: [] }
  return { name, fileId, size, path, ...moved, changes }
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
