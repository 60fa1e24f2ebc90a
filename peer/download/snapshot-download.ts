import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { DownloadedFile, MirrorRequest, ProgressEvent, SnapshotId } from '../control/api.ts'
import type { SeenPeer } from '../serve/library.ts'
import { selectPart } from '../tree/plan.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import type { DownloadContext } from './context.ts'
import type { Destination } from './destination.ts'
import { reuseFiles } from './disk/reuse-files.ts'
import { isTreeHere } from './disk/tree-here.ts'
import { openTreePart } from './disk/tree-part.ts'
import { TreeStorage } from './disk/tree-storage.ts'
import { changesOf, type PlannedTree, planTree } from './disk/tree-target.ts'
import { workingFolder, workingName } from './disk/working-name.ts'
import { Download } from './download.ts'
import { followTreeFile } from './followed-file.ts'
import type { FetchedTree, Manifests } from './manifests.ts'
import type { DownloadJob, TreeJob } from './queue/download-job.ts'
import { TransferTotals } from './transfer-totals.ts'

/**
 * The download of a snapshot, or of a part of it: first the end of the stream, which describes the tree, then the
 * chunks with missing contents. Both are downloads of the same stream.
 */
export class SnapshotDownload {
  readonly job: DownloadJob
  readonly #tree: TreeJob
  readonly #manifests: Manifests
  readonly #context: DownloadContext
  readonly #limit: ByteLimit
  readonly #emit: (event: ProgressEvent) => void
  /** The downloads so far; the last one runs. */
  readonly #downloads: Download[] = []
  /** Peers that asked this one for the snapshot. Each download begins with them. */
  readonly #seen: SeenPeer[] = []

  constructor(
    job: DownloadJob,
    tree: TreeJob,
    manifests: Manifests,
    context: DownloadContext,
    limit: ByteLimit,
    emit: (event: ProgressEvent) => void,
  ) {
    this.job = job
    this.#tree = tree
    this.#manifests = manifests
    this.#context = context
    this.#limit = limit
    this.#emit = emit
  }

  /** Of the manifest, and then of the wanted chunks. */
  get progress(): { done: number; total: number; rate: number } {
    return this.#downloads.at(-1)?.progress ?? { done: 0, total: 0, rate: 0 }
  }

  get bytesFetched(): number {
    return this.#downloads.reduce((sum, { bytesFetched }) => sum + bytesFetched, 0)
  }

  seen(peer: SeenPeer): void {
    this.#seen.push(peer)
    this.#downloads.at(-1)?.seen(peer)
  }

  /** Rejects as Download does, and with TREE_INVALID for a snapshot that contradicts itself. */
  run(signal: AbortSignal): Promise<DownloadedFile> {
    return this.#context.trees.store.whileUsed([this.job.fileId], () => this.#download(signal))
  }

  async #download(signal: AbortSignal): Promise<DownloadedFile> {
    const { job } = this
    const { mirror, part, trailer } = this.#tree
    // Of the manifest's download, only its peers are reported.
    const emitPeers = (event: ProgressEvent): void => {
      if (event.event === 'peer' || event.event === 'retry') this.#emit(event)
    }
    const totals = new TransferTotals(job, job.size)
    const fetched = await this.#manifests.get(
      job,
      trailer,
      (...part) => this.#run(emitPeers, ...part),
      signal,
    )
    if (mirror) return this.#mirror(fetched, mirror, signal)
    if (!job.keep) {
      const { destination, size } = followTreeFile(job, part, fetched, this.#context)
      const result = await this.#run(this.#emit, job, destination, signal)
      return { ...sum([...fetched.results, result]), size }
    }
    const { catalog, trees } = this.#context
    const { index } = fetched.tree
    const isHere = part === '' && (await isTreeHere(index, job, { catalog, pool: trees.pool }, signal))
    if (isHere) return this.#takeHere(totals)
    const { result } = await this.#fill(await this.#plan(index, signal), fetched, signal)
    return sum([...fetched.results, result])
  }

  /** Makes the folder equal to the tree, or with `dryRun` only finds out what would change. */
  async #mirror(
    fetched: FetchedTree,
    { earlier, dryRun }: MirrorRequest,
    signal: AbortSignal,
  ): Promise<DownloadedFile> {
    const { job } = this
    const planned = await this.#plan(fetched.tree.index, signal)
    const changes = changesOf(planned)
    if (dryRun) return { ...new TransferTotals(job, 0).result(planned.target.final, []), changes }
    // The next update needs the trees of files that stay, and the catalog no longer names them.
    const older = changes.kept.length > 0 ? earlier.map(({ fileId }) => fileId) : []
    const { store } = this.#context.trees
    const { result, removed } = await store.whileUsed(older, () => this.#fill(planned, fetched, signal))
    return { ...sum([...fetched.results, result]), changes: { ...changes, deleted: [...removed] } }
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

  #plan(index: TreeIndex, signal: AbortSignal): Promise<PlannedTree> {
    const { group, name, path, force } = this.job
    const { part, mirror = null } = this.#tree
    const { catalog, trees } = this.#context
    const options = {
      earlier: (at: string) => {
        const placed = catalog.placedAt(at, { group, name, part })
        return this.#trees([...(mirror?.earlier ?? []), ...(placed ? [placed] : [])])
      },
      mirror: mirror && { ...mirror, begun: this.#trees(mirror.begun) },
      pool: trees.pool,
      force,
    }
    return planTree(index, selectPart(index, part), path, options, signal)
  }

  #trees(snapshots: readonly SnapshotId[]): TreeIndex[] {
    const { store } = this.#context.trees
    return snapshots.flatMap(({ fileId, size }) => store.load(fileId, size)?.index ?? [])
  }

  /** Fetches what the plan lacks, and puts the tree in place. */
  async #fill(
    planned: PlannedTree,
    { tree, chunks }: FetchedTree,
    signal: AbortSignal,
  ): Promise<{ result: DownloadedFile; removed: readonly string[] }> {
    const { plan, target } = planned
    const { catalog, trees } = this.#context
    const working = await workingName(target, this.job.fileId)
    const storage = new TreeStorage(workingFolder(working), plan, target, tree.trailer, trees.pool)
    const destination: Destination = {
      look: async () => ({ here: null, replaceable: this.job.force ? 'any file' : null }),
      open: () => openTreePart(working, this.job, storage, plan.chunks.count, plan.bytes),
      fetched: chunks,
      wanted: plan.chunks,
      bytes: plan.bytes,
      reuse: (hashes, settled, found, stop) =>
        reuseFiles(plan, storage.path, hashes, settled, { catalog, trees }, found, stop),
      serves: this.#tree.part === '',
      keep: (state, hashes) => this.#keep(target.final, state, hashes),
    }
    const result = await this.#run(this.#emit, { ...this.job, path: target.final }, destination, signal)
    return { result, removed: storage.removed }
  }

  async #keep(path: string, state: { mtimeNs: bigint; ino: bigint }, hashes: Uint8Array): Promise<void> {
    const { group, name, fileId, size } = this.job
    const { seeds } = this.#context
    const { part } = this.#tree
    const copy = { group, name, fileId, size, path }
    if (part === '') await seeds.add({ ...copy, ...state, isTree: true, fault: null }, hashes)
    else seeds.addPart({ ...copy, part })
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
