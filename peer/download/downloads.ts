import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ShoalError } from '../../protocol/errors.ts'
import { isBelow } from '../../protocol/names.ts'
import type { FileRecord } from '../../protocol/records.ts'
import type {
  DownloadedFile,
  DownloadRequest,
  DownloadResult,
  PeerStatus,
  ProgressEvent,
  ProgressListener,
} from '../control/api.ts'
import type { SeenPeer } from '../serve/library.ts'
import { ByteLimit } from '../wire/byte-limit.ts'
import type { FileBytes } from '../wire/transfer-counters.ts'
import type { DownloadContext } from './context.ts'
import { checkTarget } from './disk/overwriting.ts'
import { placeFiles, resolveFiles } from './disk/targets.ts'
import { Download } from './download.ts'
import type { DownloadJob } from './queue/download-job.ts'
import { DownloadQueue, type QueuedDownload } from './queue/download-queue.ts'
import { SnapshotDownload } from './snapshot-download.ts'
import { takeHere } from './take-here.ts'

/** Someone waits for a download: a command that asked for the file. */
interface Waiter {
  progress: ProgressListener
  resolve(file: DownloadedFile): void
  reject(error: unknown): void
}

/** One try at one download in this process. */
interface Task {
  run: string
  waiters: Set<Waiter>
  abort: AbortController
  download: Download | SnapshotDownload | null
  /** The run of it. The queue hands a job out again when this process sleeps longer than its lock. */
  running: Promise<'done' | 'parked'> | null
  ended: Promise<void>
  end(): void
  /** Settles when an earlier, given up try at the same download has let go of its part file. */
  after: Promise<void>
}

const PARKED = Symbol('the peer stops')
/** Files of `-o -` whose reader never came back are removed after a day. */
const STALE_MS = 24 * 3600_000

/** A download that is complete. */
export type Downloaded = DownloadedFile & { group: string }

/** All downloads of a peer: turns requests into jobs, runs them, and tells those who wait. */
export class Downloads {
  readonly #context: Omit<DownloadContext, 'extents'>
  readonly #temporary: string
  readonly #tasks = new Map<string, Task>()
  /** Marks the jobs of this process; others on the queue were left by one that died or stopped. */
  readonly #epoch = randomUUID()
  #queue!: DownloadQueue
  #runs = 0
  readonly #listeners: ((file: Downloaded) => void)[] = []

  private constructor(context: Omit<DownloadContext, 'extents'>, temporary: string) {
    this.#context = context
    this.#temporary = temporary
  }

  /** `temporary` is the folder for files whose bytes are only read (`-o -`). */
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

  /** Downloads a file or a folder. Rejects with the first error; what has come in stays for the next try. */
  async request(
    request: DownloadRequest,
    progress: ProgressListener,
    signal: AbortSignal,
  ): Promise<DownloadResult> {
    const { group, output } = request
    this.#context.fetchPool.warmUp()
    const { files, name } = await resolveFiles(this.#context.client, group, request.name)
    if (output === null && files.length !== 1)
      throw new ShoalError('USAGE', `${group}:${name} is ${files.length} files, standard output takes one`, {
        hint: 'name one file, or a folder to write to with -o',
      })
    if (output === null && files[0]?.tree)
      throw new ShoalError('USAGE', `${group}:${name} is a snapshot, standard output takes one file`, {
        hint: 'name a folder to write to with -o',
      })
    const targets =
      output === null
        ? files.map((file) => ({ file, path: join(this.#temporary, file.fileId) }))
        : await placeFiles(files, name, output)
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    try {
      const jobs: DownloadJob[] = []
      for (const { file, path } of targets)
        jobs.push(await this.#jobFor({ ...request, name }, file, path, either))
      return { files: await Promise.all(jobs.map((job) => this.#wait(job, progress, either))) }
    } catch (error) {
      // One file failed: the others of the same request stop too, in good order.
      stop.abort(error)
      throw error
    }
  }

  /** Throws PATH_IN_THE_WAY where the file would replace one that is no earlier state of it. */
  async #jobFor(
    request: DownloadRequest,
    file: FileRecord,
    path: string,
    signal: AbortSignal,
  ): Promise<DownloadJob> {
    const job = { ...jobOf(request, file, path), group: request.group }
    const force = request.force ?? false
    // The tree says what it may replace: only when it is known can the target be compared with it.
    if (file.tree) {
      const part = isBelow(request.name, file.name) ? request.name.slice(file.name.length + 1) : ''
      const tree = { trailer: file.tree.trailer, part, force }
      const id = createHash('sha256').update(`${job.id}\0${part}`).digest('hex').slice(0, 32)
      return { ...job, id, tree, replaceable: force ? 'anything' : null, isHere: false }
    }
    if (!job.keep || request.force) return { ...job, replaceable: 'anything', isHere: false }
    // Another request may be about to put the file there.
    const running = this.#tasks.get(job.id)?.download?.job
    if (running) return running
    const { replaceable, isSame } = await checkTarget(path, job, this.#context, signal)
    return { ...job, replaceable, isHere: isSame }
  }

  onDownloaded(listener: (file: Downloaded) => void): void {
    this.#listeners.push(listener)
  }

  /** Jobs that wait or run. */
  queueDepth(): Promise<{ downloads: number; chunks: number }> {
    return this.#queue.depth()
  }

  list(): PeerStatus['downloads'] {
    return this.#running().map((download) => {
      const { id, name, size } = download.job
      return { id, name, size, ...download.progress }
    })
  }

  /** What each download under way has fetched. */
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

  /** Parks what runs, so that the peer's next start goes on with it. */
  async close(): Promise<void> {
    for (const { abort } of this.#tasks.values()) abort.abort(PARKED)
    await this.#queue.close()
  }

  #running(): (Download | SnapshotDownload)[] {
    return [...this.#tasks.values()].flatMap(({ download }) => download ?? [])
  }

  /** Waits for the download, with others who want the same one, or as the first. */
  async #wait(job: DownloadJob, progress: ProgressListener, signal: AbortSignal): Promise<DownloadedFile> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<DownloadedFile>()
    const before = this.#tasks.get(job.id)
    const joins = before !== undefined && !before.abort.signal.aborted
    const task = joins ? before : this.#newTask(job.id, `${this.#epoch}-${this.#runs++}`, before?.ended)
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

  #newTask(id: string, run: string, after: Promise<void> = Promise.resolve()): Task {
    const { promise, resolve } = Promise.withResolvers<void>()
    const task: Task = {
      run,
      waiters: new Set(),
      abort: new AbortController(),
      download: null,
      running: null,
      ended: promise,
      end: resolve,
      after,
    }
    this.#tasks.set(id, task)
    return task
  }

  /** Nobody wants it any more. */
  #giveUp(id: string, task: Task, reason: unknown): void {
    task.abort.abort(reason)
    if (task.download !== null) return
    this.#queue.remove(task.run).catch(() => {})
    this.#endTask(id, task)
  }

  #endTask(id: string, task: Task): void {
    task.end()
    if (this.#tasks.get(id) === task) this.#tasks.delete(id)
  }

  async #run({ run, epoch, job }: QueuedDownload): Promise<'done' | 'parked'> {
    const task = this.#taskFor(run, epoch, job)
    if (!task) return 'done'
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
      ? new SnapshotDownload(job, job.tree, context, limit, emit)
      : new Download(job, context, limit, emit)
    task.download = download
    try {
      abort.signal.throwIfAborted()
      const file = job.isHere
        ? await takeHere(job, context, emit, abort.signal)
        : await download.run(abort.signal)
      for (const waiter of waiters) waiter.resolve(file)
      if (job.keep) for (const listener of this.#listeners) listener({ ...file, group: job.group })
      return 'done'
    } catch (error) {
      // A failure of the disk ends the job, also while the peer stops.
      if (error === PARKED) return 'parked'
      for (const waiter of waiters) waiter.reject(error)
      throw error
    } finally {
      this.#endTask(job.id, task)
    }
  }

  /**
   * The task of a job that the queue hands out: the one that its request made, or a new one for a job that an
   * earlier process left. null for a job that was given up, or that another request has taken the place of.
   */
  #taskFor(run: string, epoch: string, job: DownloadJob): Task | null {
    const task = this.#tasks.get(job.id)
    if (task) return task.run === run ? task : null
    return epoch !== this.#epoch && job.keep ? this.#newTask(job.id, run) : null
  }
}

function removeStale(folder: string): void {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) rmSync(path, { force: true })
  }
}

/** The same file to the same place is the same job, however often it is asked for. */
function jobOf(
  request: DownloadRequest,
  { name, fileId, size }: { name: string; fileId: string; size: number },
  path: string,
): Omit<DownloadJob, 'group' | 'replaceable' | 'isHere'> {
  const { sequential, maxDown, waitMs, output } = request
  const id = createHash('sha256').update(`${fileId}\0${path}`).digest('hex').slice(0, 32)
  return {
    id,
    name,
    fileId,
    size,
    path,
    sequential: sequential || output === null,
    maxDown,
    waitMs,
    keep: output !== null,
  }
}
