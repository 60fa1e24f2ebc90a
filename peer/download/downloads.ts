import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { ShoalError } from '../../protocol/errors.ts'
import type { FileRecord } from '../../protocol/records.ts'
import type {
  DownloadedFile,
  DownloadRequest,
  DownloadResult,
  PeerStatus,
  ProgressEvent,
  ProgressListener,
  TreeRequest,
  TreeResult,
} from '../control/api.ts'
import type { SeenPeer } from '../serve/library.ts'
import { ByteLimit } from '../wire/byte-limit.ts'
import type { FileBytes } from '../wire/transfer-counters.ts'
import type { DownloadContext } from './context.ts'
import { checkTarget } from './disk/overwriting.ts'
import { placeFiles, realPlace, resolveFiles } from './disk/targets.ts'
import { removeStale, temporaryName } from './disk/temporary.ts'
import { Download } from './download.ts'
import { checkStreamed, jobOf, manifestJob, treeJob } from './jobs.ts'
import { Manifests, type RunDownload } from './manifests.ts'
import type { DownloadJob } from './queue/download-job.ts'
import { DownloadQueue, type QueuedDownload } from './queue/download-queue.ts'
import { SnapshotDownload } from './snapshot-download.ts'
import type { Task, Waiter } from './task.ts'

const PARKED = Symbol('the peer stops')

export type Downloaded = DownloadedFile & { group: string }

/** All downloads of a peer: turns requests into jobs, runs them, and reports to the waiting commands. */
export class Downloads {
  readonly #context: Omit<DownloadContext, 'extents'>
  readonly #temporary: string
  readonly #manifests: Manifests
  /** Manifests that commands wait for; a stop ends them. */
  readonly #trees = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  readonly #tasks = new Map<string, Task>()
  /** By the place that they write: two downloads in one part file would mix their contents. */
  readonly #writers = new Map<string, Task>()
  /** Marks the jobs of this process. Other jobs in the queue are left over from an earlier process. */
  readonly #epoch = randomUUID()
  #queue!: DownloadQueue
  #runs = 0
  /** Ids of jobs that this process has begun. A job of an earlier process that the queue hands out later is one of them. */
  readonly #begun = new Set<string>()
  readonly #listeners: ((file: Downloaded) => void)[] = []

  private constructor(context: Omit<DownloadContext, 'extents'>, temporary: string) {
    this.#context = context
    this.#temporary = temporary
    this.#manifests = new Manifests(context.trees.store)
  }

  /** `temporary` is the folder for files that are only read (`-o -`). */
  static async open(
    context: Omit<DownloadContext, 'extents'>,
    redisUrl: string,
    temporary: string,
  ): Promise<Downloads> {
    removeStale(temporary)
    const downloads = new Downloads(context, temporary)
    const run = (queued: QueuedDownload): Promise<'done' | 'parked'> => downloads.#run(queued)
    downloads.#queue = await DownloadQueue.open(redisUrl, context.identity.peer, run)
    return downloads
  }

  /** Downloads a file or a folder. Rejects with the first error; part files stay for the next attempt. */
  async request(
    request: DownloadRequest,
    progress: ProgressListener,
    signal: AbortSignal,
  ): Promise<DownloadResult> {
    const { group, output } = request
    this.#context.fetchPool.warmUp()
    const { files, name } = await resolveFiles(this.#context.client, group, request.name)
    if (output === null) checkStreamed(group, name, files)
    const targets =
      output === null
        ? files.map((file) => ({ file, path: join(this.#temporary, temporaryName(file, name)) }))
        : await placeFiles(files, name, output)
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    try {
      const jobs: DownloadJob[] = []
      for (const { file, path } of targets)
        jobs.push(await this.#jobFor({ ...request, name }, file, path, either))
      const done = await Promise.all(jobs.map((job) => this.#wait(job, progress, either)))
      return { files: done.map((file, i) => ({ ...file, version: targets[i]!.file.version })) }
    } catch (error) {
      // If one file fails, the others of the request stop cleanly.
      stop.abort(error)
      throw error
    }
  }

  /** Puts the tree of a snapshot into the home's tree store. Fetches its manifest alone, if it is not there. */
  async tree(request: TreeRequest, progress: ProgressListener, signal: AbortSignal): Promise<TreeResult> {
    const job = manifestJob(request, this.#context.trees.store.path(request.fileId))
    const context: DownloadContext = { ...this.#context, extents: this.#queue.extents }
    const either = AbortSignal.any([signal, this.#closing.signal])
    const run: RunDownload = (part, destination, stop) =>
      new Download(part, context, new ByteLimit(0), progress, destination).run(stop)
    const fetched = this.#manifests.get(job, request.trailer, run, either)
    this.#trees.add(fetched)
    const { results } = await fetched.finally(() => this.#trees.delete(fetched))
    return { bytesFetched: results.reduce((sum, { bytesFetched }) => sum + bytesFetched, 0) }
  }

  /** Throws PATH_IN_THE_WAY where the file would replace one that is no earlier state of it. */
  async #jobFor(
    request: DownloadRequest,
    file: FileRecord,
    path: string,
    signal: AbortSignal,
  ): Promise<DownloadJob> {
    const job = { ...jobOf(request, file, path), group: request.group }
    if (file.tree) return treeJob(job, request, { ...file, tree: file.tree })
    // Another request for the same download may be about to put the file there.
    if (job.keep && !this.#tasks.has(job.id)) await checkTarget(job, this.#context, signal)
    return job
  }

  onDownloaded(listener: (file: Downloaded) => void): void {
    this.#listeners.push(listener)
  }

  queueDepth(): Promise<{ downloads: number; chunks: number }> {
    return this.#queue.depth()
  }

  list(): PeerStatus['downloads'] {
    return this.#running().map((download) => {
      const { id, name, size } = download.job
      return { id, name, size, ...download.progress }
    })
  }

  /** The bytes that each download under way has fetched. */
  fetching(): FileBytes[] {
    return this.#running().map(({ job: { group, fileId }, bytesFetched: bytes }) => ({
      group,
      fileId,
      bytes,
    }))
  }

  seen(peer: SeenPeer): void {
    for (const download of this.#running()) if (download.job.fileId === peer.fileId) download.seen(peer)
  }

  /** Parks running downloads: the peer's next start continues them. */
  async close(): Promise<void> {
    for (const { abort } of this.#tasks.values()) abort.abort(PARKED)
    this.#closing.abort(new ShoalError('PEER_STOPPED', 'the peer of this home is stopping'))
    await Promise.allSettled(this.#trees)
    await this.#queue.close()
  }

  #running(): (Download | SnapshotDownload)[] {
    return [...this.#tasks.values()].flatMap(({ download }) => download ?? [])
  }

  /** Waits for the download; starts it unless another command waits for the same one. */
  async #wait(job: DownloadJob, progress: ProgressListener, signal: AbortSignal): Promise<DownloadedFile> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<DownloadedFile>()
    const before = this.#tasks.get(job.id)
    const joins = before !== undefined && !before.abort.signal.aborted
    const task = joins ? before : this.#newTask(job, `${this.#epoch}-${this.#runs++}`, before?.ended)
    const waiter: Waiter = { progress, resolve, reject }
    task.waiters.add(waiter)
    const leave = (): void => {
      task.waiters.delete(waiter)
      if (task.waiters.size === 0) this.#giveUp(job.id, task, signal.reason)
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      if (!joins) await this.#queue.add({ run: task.run, epoch: this.#epoch, job })
      return await promise
    } catch (error) {
      if (task.download === null) this.#giveUp(job.id, task, error)
      throw error
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** Throws PATH_IN_THE_WAY while another download that somebody waits for writes to the same place. */
  #newTask({ id, path }: DownloadJob, run: string, before: Promise<void> = Promise.resolve()): Task {
    const place = realPlace(path)
    const writer = this.#writers.get(place)
    if (writer && !writer.abort.signal.aborted) this.#supersede(writer, path)
    const after = Promise.all([before, writer?.ended]).then(() => {})
    const { promise, resolve } = Promise.withResolvers<void>()
    const task: Task = {
      id,
      run,
      place,
      waiters: new Set(),
      abort: new AbortController(),
      download: null,
      running: null,
      ended: promise,
      end: resolve,
      after,
    }
    this.#tasks.set(id, task)
    this.#writers.set(place, task)
    return task
  }

  #supersede(task: Task, path: string): void {
    const busy = new ShoalError('PATH_IN_THE_WAY', `another download is writing to ${path}`, {
      hint: 'wait for it to end, or choose another place with -o',
    })
    if (task.waiters.size > 0) throw busy
    this.#giveUp(task.id, task, busy)
  }

  /** Abandons a task that no command waits for. */
  #giveUp(id: string, task: Task, reason: unknown): void {
    task.abort.abort(reason)
    if (task.download !== null) return
    this.#queue.remove(task.run).catch(() => {})
    this.#endTask(id, task)
  }

  #endTask(id: string, task: Task): void {
    task.end()
    if (this.#tasks.get(id) === task) this.#tasks.delete(id)
    if (this.#writers.get(task.place) === task) this.#writers.delete(task.place)
  }

  async #run({ run, epoch, job }: QueuedDownload): Promise<'done' | 'parked'> {
    const task = this.#taskFor(run, epoch, job)
    if (!task) return 'done'
    this.#begun.add(job.id)
    task.running ??= this.#runTask(task, job)
    return task.running
  }

  async #runTask(task: Task, job: DownloadJob): Promise<'done' | 'parked'> {
    const { abort, waiters } = task
    const emit = (event: ProgressEvent): void => {
      for (const { progress } of waiters) progress(event)
    }
    const context: DownloadContext = { ...this.#context, extents: this.#queue.extents }
    await task.after
    const limit = new ByteLimit(job.maxDown)
    const download = job.tree
      ? new SnapshotDownload(job, job.tree, this.#manifests, context, limit, emit)
      : new Download(job, context, limit, emit)
    task.download = download
    try {
      abort.signal.throwIfAborted()
      const file = await download.run(abort.signal)
      for (const waiter of waiters) waiter.resolve(file)
      if (job.keep) for (const listener of this.#listeners) listener({ ...file, group: job.group })
      return 'done'
    } catch (error) {
      // A storage failure ends the job, even while the peer stops.
      if (error === PARKED) return 'parked'
      for (const waiter of waiters) waiter.reject(error)
      throw error
    } finally {
      this.#endTask(job.id, task)
    }
  }

  /**
   * The task of a job that the queue hands out: the one that its request made, or a new one for a job of an earlier
   * process. null for a job that has ended, was abandoned, or was replaced by that of another request.
   */
  #taskFor(run: string, epoch: string, job: DownloadJob): Task | null {
    const task = this.#tasks.get(job.id)
    if (task) return task.run === run ? task : null
    const isLeftOver = epoch !== this.#epoch && !this.#begun.has(job.id)
    return isLeftOver && job.keep ? this.#newTask(job, run) : null
  }
}
