import { Bitmap } from '../../protocol/bitmap.ts'
import { chunkCount, chunkLength, type Extent } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { DownloadedFile, PeerState, ProgressEvent } from '../control/api.ts'
import type { SeenPeer } from '../serve/library.ts'
import type { ByteLimit } from '../wire/byte-limit.ts'
import { PauseWatch } from '../wire/pause-watch.ts'
import { type ChunkSource, takeFetched, takeFromSources } from './chunk-sources.ts'
import type { DownloadContext } from './context.ts'
import { type Destination, fileDestination } from './destination.ts'
import type { FileHere, Replaceable } from './disk/overwriting.ts'
import type { PartFile } from './disk/part-file.ts'
import { removeWorkingNames } from './disk/part-storage.ts'
import { PartialFile } from './disk/partial-file.ts'
import { copyLocalChunks, recheck } from './disk/recheck.ts'
import { ExtentFetcher } from './extent-fetcher.ts'
import { Picker } from './plan/picker.ts'
import type { DownloadJob } from './queue/download-job.ts'
import { loadHashes } from './swarm/hash-list.ts'
import { noPeer, peerMessage } from './swarm/messages.ts'
import { Swarm } from './swarm/swarm.ts'
import { SwarmMembership } from './swarm/swarm-membership.ts'
import { TransferTotals } from './transfer-totals.ts'

const TICK_MS = 250

/**
 * Coordinates one download: checks the chunks that are already here, joins the swarm, keeps a bounded window of extents
 * on the chunk queue, serves the chunks that arrived, and gives the complete file its name.
 */
export class Download {
  readonly job: DownloadJob
  readonly #context: DownloadContext
  readonly #emit: (event: ProgressEvent) => void
  readonly #totals: TransferTotals
  readonly #destination: Destination
  readonly #limit: ByteLimit
  readonly #ended = Promise.withResolvers<void>()
  #fetcher: ExtentFetcher | null = null
  #have = new Bitmap(0)
  /** Chunks that are here or not wanted. The picker chooses among the others. */
  #settled = new Bitmap(0)
  #hashes: Uint8Array = new Uint8Array(0)
  #part: PartFile | null = null
  #partial: PartialFile | null = null
  #swarm: Swarm | null = null
  /** Peers that asked for the file before there was a swarm to offer them to. */
  readonly #early: SeenPeer[] = []
  #membership: SwarmMembership | null = null
  #lastPeerAt = performance.now()
  readonly #pauses = new PauseWatch(TICK_MS, performance.now())
  /** Chunks [0, contiguous) are settled, so a sequential reader may read them. */
  #contiguous = 0

  constructor(
    job: DownloadJob,
    context: DownloadContext,
    limit: ByteLimit,
    emit: (event: ProgressEvent) => void,
    destination = fileDestination(job, context),
  ) {
    this.job = job
    this.#destination = destination
    this.#context = context
    this.#limit = limit
    this.#emit = emit
    this.#totals = new TransferTotals(job, destination.bytes)
  }

  /** `total` is the number of wanted bytes. */
  get progress(): { done: number; total: number; rate: number } {
    const { meter } = this.#totals
    return { done: meter.done, total: this.#destination.bytes, rate: meter.rate(performance.now()) }
  }

  /** Bytes received from peers and from chunk sources. */
  get bytesFetched(): number {
    return this.#totals.bytesFetched
  }

  /**
   * Runs to the end. Rejects with NO_PEER, HASH_MISMATCH, a storage or a tracker error, or the signal's reason. A
   * failure of the part file, even while it is closed, comes before all others.
   */
  async run(signal: AbortSignal): Promise<DownloadedFile> {
    const { job } = this
    this.#emit({ event: 'start', name: job.name, total: this.#destination.bytes })
    try {
      // Look again, because the target may have changed since an earlier run of this peer queued the job.
      const found = await this.#destination.look(signal)
      if (found.here) return await this.#takeHere(found.here)
      await this.#prepare(signal)
      if (!this.#settled.isFull) await this.#fetchMissing(signal)
      return await this.#finish(found.replaceable)
    } catch (error) {
      await this.#endFetching()
      await this.#part?.seal()
      throw signal.aborted ? signal.reason : error
    } finally {
      if (this.#partial) this.#context.library.delete(this.#partial)
      await this.#part?.close()
    }
  }

  /** Takes a peer that asked this one for the file into the swarm. */
  seen(seen: SeenPeer): void {
    const { peer, host, port } = seen
    if (this.#swarm) this.#swarm.offer([{ peer, host, port, tls: true, complete: false }], true)
    else this.#early.push(seen)
  }

  /** Records and serves the file: the target already has the content. */
  async #takeHere({ hashes, ...state }: FileHere): Promise<DownloadedFile> {
    const { path } = this.job
    await removeWorkingNames(path)
    this.#totals.reusedAll(path)
    await this.#destination.keep(state, hashes())
    return this.#done(path)
  }

  /** Opens the part file, loads the hash list, and takes the chunks that this home already has. */
  async #prepare(signal: AbortSignal): Promise<void> {
    const { job } = this
    const { wanted } = this.#destination
    const [part, leftover] = await this.#destination.open()
    this.#part = part
    this.#have = new Bitmap(chunkCount(job.size))
    this.#settled = wanted ? wanted.inverse() : this.#have
    if (job.size === 0) return
    if (this.#destination.serves) this.#serve(part)
    this.#membership = await SwarmMembership.join(this.#context.joinRequests, job)
    const { catalog, client } = this.#context
    this.#hashes = catalog.hashes(job.fileId) ?? (await loadHashes(client, job, this.#membership.joined))
    signal.throwIfAborted()
    const reused = (chunk: number): void => this.#hold(chunk)
    await recheck(part, leftover, this.#hashes, this.#context.hashPool, reused, signal)
    if (this.#have.count > 0) this.#totals.reusedFrom(part.path)
    const copied = (chunk: number, path: string): void => this.#hold(chunk, path)
    await this.#destination.reuse?.(this.#hashes, this.#settled, copied, signal)
    await copyLocalChunks(part, this.#settled, this.#hashes, this.#context, copied, signal)
    this.#totals.endReuse()
    const { fetched } = this.#destination
    if (fetched) await takeFetched(fetched, part, this.#settled, this.#hashes, (chunk) => this.#hold(chunk))
    await this.#takeFromSources(part, signal)
    signal.throwIfAborted()
  }

  /** Runs before the tracker names this peer to others, so that it refuses none. A finished copy serves them better. */
  #serve(part: PartFile): void {
    const { library } = this.#context
    this.#partial = new PartialFile(this.job, this.#have, () => this.#hashes, part)
    if (!library.get(this.job.fileId)) library.set(this.#partial)
  }

  async #takeFromSources(part: PartFile, signal: AbortSignal): Promise<void> {
    const { name, size } = this.job
    const found = (chunk: number): void => {
      this.#totals.bytesFetched += chunkLength(size, chunk)
      this.#hold(chunk)
    }
    const failed = (source: ChunkSource, error: Error): void =>
      this.#emit({ event: 'retry', name, reason: `the source ${source.name} failed: ${error.message}` })
    const { sources } = this.#context
    await takeFromSources(sources, this.job, part, this.#settled, this.#hashes, found, failed, signal)
  }

  async #fetchMissing(signal: AbortSignal): Promise<void> {
    const { identity, ownPort, fetchPool, figures, extents } = this.#context
    const { fileId, size, sequential } = this.job
    const membership = this.#membership!
    const picker = new Picker({ have: this.#settled, random: Math.random, sequential })
    const fetcher = new ExtentFetcher({
      download: this.job,
      pool: fetchPool,
      queue: extents,
      limit: this.#limit,
      part: this.#part!,
      hashes: this.#hashes,
      grant: () => membership.grant,
      onMismatch: () => figures.verificationFailures++,
      onFatal: (error) => this.#ended.reject(error),
    })
    this.#fetcher = fetcher
    const swarm = new Swarm({
      fileId,
      size,
      chunks: chunkCount(size),
      self: identity.peer,
      credentials: identity,
      ownPort,
      picker,
      grant: () => membership.grant,
      onStale: () => membership.expire(),
      fetch: (assignment, onChunk) => {
        if (assignment.fromSeed) this.#tellPending(assignment.extent)
        return fetcher.fetch(assignment, onChunk)
      },
      onChunk: (peer, chunk, isNew) => this.#received(peer, chunk, isNew),
      onPeer: (peer, state, reason) => this.#tellPeer(peer, state, reason),
    })
    this.#swarm = swarm
    swarm.offer(membership.joined.peers)
    for (const seen of this.#early.splice(0)) this.seen(seen)
    const abort = (): void => this.#ended.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const timer = setInterval(() => this.#tick(), TICK_MS)
    this.#tick()
    try {
      await this.#ended.promise
    } finally {
      clearInterval(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  /** Tells followers which chunks a seed is sending, so that in a crowd they ask for others. */
  #tellPending({ first, count }: Extent): void {
    for (let i = 0; i < count; i++) this.#partial?.tell(first + i, true)
  }

  #received(peer: string, chunk: number, isNew: boolean): void {
    const length = chunkLength(this.job.size, chunk)
    this.#totals.bytesFetched += length
    this.#context.figures.addReceived(peer, length)
    if (!isNew) return
    this.#hold(chunk)
    if (this.#settled.isFull) this.#ended.resolve()
  }

  /** Resolves when nobody writes to the part file any more. */
  async #endFetching(): Promise<void> {
    this.#swarm?.close()
    await this.#fetcher?.end()
  }

  /** Records a chunk that is in the part file. `from` is the file that it was copied from, if it was not fetched. */
  #hold(chunk: number, from?: string): void {
    if (from) this.#totals.reusedFrom(from)
    this.#have.add(chunk)
    this.#settled.add(chunk)
    this.#part?.wrote(chunk)
    this.#partial?.tell(chunk, false)
    this.#totals.meter.add(chunkLength(this.job.size, chunk), performance.now())
    const { followed } = this.#destination
    if (!followed || !this.#settled.has(this.#contiguous)) return
    while (this.#settled.has(this.#contiguous)) this.#contiguous++
    const { path, upTo } = followed
    this.#emit({ event: 'chunk', name: this.job.name, path, upTo: upTo(this.#contiguous) })
  }

  #tellPeer(peer: string, state: PeerState, reason: string | undefined): void {
    const { group, name } = this.job
    this.#emit({ event: 'peer', name, peer, state, ...(reason ? { reason } : {}) })
    if (reason) this.#context.warn(peerMessage(`${group}:${name}`, peer, state, reason))
  }

  #tick(): void {
    const now = performance.now()
    if (this.#pauses.paused(now)) {
      this.#lastPeerAt = now
      this.#swarm?.forgivePause()
    }
    this.#part?.flush().catch((error: unknown) => this.#ended.reject(error))
    // Under a limit this side makes the peers wait, so they are not late.
    if (this.job.maxDown === 0) this.#swarm?.checkLate()
    this.#swarm?.retry()
    this.#emit(this.#totals.meter.event(now, this.#swarm?.size ?? 0))
    if (this.#swarm && this.#swarm.size > 0) this.#lastPeerAt = now
    else if (now - this.#lastPeerAt > this.job.waitMs)
      this.#ended.reject(noPeer(`${this.job.group}:${this.job.name}`))
    this.#renew(now).catch((error: unknown) => this.#ended.reject(error))
  }

  /** An outage of the tracker does not stop a download that has peers; a refusal does. */
  async #renew(now: number): Promise<void> {
    try {
      const peers = await this.#membership?.renew(now, this.#swarm?.size ?? 0)
      if (peers) this.#swarm?.offer(peers)
    } catch (error) {
      const away = error instanceof ShoalError && (error.kind === 'unreachable' || error.kind === 'busy')
      if (!away) throw error
      this.#emit({ event: 'retry', name: this.job.name, reason: error.message })
    }
  }

  async #finish(replaceable: Replaceable): Promise<DownloadedFile> {
    await this.#endFetching()
    const part = this.#part!
    if (this.job.keep) await this.#destination.keep(await part.publish(replaceable), this.#hashes)
    else await part.finish()
    return this.#done(this.#destination.followed?.path ?? this.job.path)
  }

  #done(path: string): DownloadedFile {
    this.#emit(this.#totals.meter.event(performance.now(), this.#swarm?.size ?? 0))
    this.#emit({ event: 'done', name: this.job.name, path })
    return this.#totals.result(path, this.#swarm?.shares ?? [])
  }
}
