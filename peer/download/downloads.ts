import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ShoalError } from '../../protocol/errors.ts'
import { ByteLimit } from '../byte-limit.ts'
import type {
  DownloadedFile,
  DownloadRequest,
  DownloadResult,
  PeerStatus,
  ProgressEvent,
  ProgressListener,
} from '../control/api.ts'
import type { SeenPeer } from '../serve/library.ts'
import { Download, type DownloadContext, type DownloadJob } from './download.ts'
import { DownloadQueue, type ExtentJob } from './queue.ts'
import { placeFiles, resolveFiles } from './targets.ts'

/** Someone waits for a job: a command that asked for the file. */
interface Waiter {
  progress: ProgressListener
  resolve(file: DownloadedFile): void
  reject(error: Error): void
}

const PARKED = Symbol('the peer stops')

/** All downloads of a peer: turns requests into jobs, runs them, and tells those who wait. */
export class Downloads {
  readonly #context: Omit<DownloadContext, 'enqueue'>
  readonly #temporary: string
  readonly #running = new Map<string, { download: Download; abort: AbortController }>()
  readonly #waiters = new Map<string, Set<Waiter>>()
  #queue!: DownloadQueue

  private constructor(context: Omit<DownloadContext, 'enqueue'>, temporary: string) {
    this.#context = context
    this.#temporary = temporary
  }

  /** `temporary` is the folder for files whose bytes are only read (`-o -`). */
  static async open(
    context: Omit<DownloadContext, 'enqueue'>,
    redisUrl: string,
    temporary: string,
  ): Promise<Downloads> {
    const downloads = new Downloads(context, temporary)
    downloads.#queue = await DownloadQueue.open(redisUrl, {
      download: (job) => downloads.#run(job),
      extent: (job) => downloads.#fetchExtent(job),
    })
    return downloads
  }

  /** Downloads a file or a folder. Rejects with the first error; what has come in stays for the next try. */
  async request(
    request: DownloadRequest,
    progress: ProgressListener,
    signal: AbortSignal,
  ): Promise<DownloadResult> {
    const { group, name, output } = request
    const files = await resolveFiles(this.#context.client, group, name)
    if (output === null && files.length !== 1)
      throw new ShoalError(
        'USAGE',
        `${group}:${name} is ${files.length} files, and standard output takes one`,
        {
          hint: 'name one file, or a folder to write to with -o',
        },
      )
    const targets =
      output === null
        ? files.map((file) => ({ file, path: join(this.#temporary, file.fileId) }))
        : await placeFiles(files, name, output)
    const stop = new AbortController()
    const abort = (): void => stop.abort(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const jobs = targets.map(({ file, path }): DownloadJob => ({ ...jobOf(request, file, path), group }))
      const waits = jobs.map((job) => this.#wait(job, progress, stop.signal))
      return { files: await Promise.all(waits) }
    } catch (error) {
      // One file failed: the others of the same request stop too, in good order.
      stop.abort(error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  list(): PeerStatus['downloads'] {
    return [...this.#running.values()].map(({ download }) => {
      const { id, name, size } = download.job
      return { id, name, size, ...download.progress }
    })
  }

  seen(peer: SeenPeer): void {
    for (const { download } of this.#running.values())
      if (download.job.fileId === peer.fileId) download.seen(peer)
  }

  /** Parks what runs, so that the peer's next start goes on with it. */
  async close(): Promise<void> {
    for (const { abort } of this.#running.values()) abort.abort(PARKED)
    await this.#queue.close()
  }

  async #wait(job: DownloadJob, progress: ProgressListener, signal: AbortSignal): Promise<DownloadedFile> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<DownloadedFile>()
    const waiter: Waiter = { progress, resolve, reject }
    const waiters = this.#waiters.get(job.id) ?? new Set()
    this.#waiters.set(job.id, waiters.add(waiter))
    const leave = (): void => {
      waiters.delete(waiter)
      if (waiters.size === 0) this.#giveUp(job.id, signal.reason)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      await this.#queue.add(job)
      return await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  async #run(job: DownloadJob): Promise<'done' | 'parked'> {
    const abort = new AbortController()
    const emit = (event: ProgressEvent): void => {
      for (const { progress } of this.#waiters.get(job.id) ?? []) progress(event)
    }
    const context: DownloadContext = {
      ...this.#context,
      enqueue: ({ id }, assignment) => this.#queue.addExtent({ download: id, assignment }),
    }
    const download = new Download(job, context, new ByteLimit(job.maxDown), emit)
    this.#running.set(job.id, { download, abort })
    try {
      const file = await download.run(abort.signal)
      this.#settle(job.id, (waiter) => waiter.resolve(file))
      return 'done'
    } catch (error) {
      if (abort.signal.reason === PARKED) return 'parked'
      this.#settle(job.id, (waiter) => waiter.reject(error as Error))
      throw error
    } finally {
      this.#running.delete(job.id)
    }
  }

  async #fetchExtent({ download, assignment }: ExtentJob): Promise<void> {
    const running = this.#running.get(download)
    await running?.download.fetch(assignment, running.abort.signal)
  }

  /** Nobody wants it any more. */
  #giveUp(id: string, reason: unknown): void {
    this.#waiters.delete(id)
    const running = this.#running.get(id)
    if (running) running.abort.abort(reason)
    else this.#queue.remove(id).catch(() => {})
  }

  #settle(id: string, settle: (waiter: Waiter) => void): void {
    const waiters = this.#waiters.get(id) ?? []
    this.#waiters.delete(id)
    for (const waiter of waiters) settle(waiter)
  }
}

/** The same file to the same place is the same job, however often it is asked for. */
function jobOf(
  request: DownloadRequest,
  { name, fileId, size }: { name: string; fileId: string; size: number },
  path: string,
): Omit<DownloadJob, 'group'> {
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
