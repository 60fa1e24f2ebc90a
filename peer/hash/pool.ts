import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { spawnThread } from '../../packed/spawn-thread.ts'
import { chunkCount, type Extent, extentBytes, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { type HashAnswer, type HashRequest, hashChunks } from './thread.ts'

/** Chunks in one thread's task: 32 MiB, a few hundredths of a second. */
const TASK_CHUNKS = 64
/** Shorter work is done here at once: a thread would take longer to start. */
const INLINE_CHUNKS = 8

interface Task {
  request: HashRequest
  /** Aborted when its result is no longer wanted. */
  stop: AbortSignal
  resolve(hashes: Uint8Array): void
  reject(error: Error): void
}

/** SHA-256 of files' chunks on all cores, in bounded memory: each thread holds one 2 MiB buffer. */
export class HashPool {
  readonly #queue: Task[] = []
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Task>()
  #nextId = 0

  /**
   * Packed hashes of chunks [first, first + count) of the file at `path`. `progress` is called with the bytes
   * of each piece that is done, out of order. Throws a storage error, FILE_CHANGED when the file has fewer
   * bytes, or the signal's reason.
   */
  async hash(
    path: string,
    size: number,
    range: Extent = { first: 0, count: chunkCount(size) },
    progress: (bytes: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const hashes = new Uint8Array(range.count * HASH_SIZE)
    const failed = new AbortController()
    const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
    const hashPiece = async (piece: Extent): Promise<void> => {
      const part = await this.#run({ path, size, ...piece }, range.count, stop)
      hashes.set(part, (piece.first - range.first) * HASH_SIZE)
      const [start, end] = extentBytes(size, piece)
      progress(end - start)
    }
    try {
      await Promise.all([...pieces(range)].map(hashPiece))
      return hashes
    } catch (error) {
      failed.abort(error)
      throw signal?.aborted ? signal.reason : changedOrStorage(error, path)
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle, ...this.#busy.keys()].map((thread) => thread.terminate()))
  }

  async #run(request: Omit<HashRequest, 'id'>, total: number, stop: AbortSignal): Promise<Uint8Array> {
    stop.throwIfAborted()
    if (total <= INLINE_CHUNKS) return hashChunks(request)
    return new Promise((resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason), { once: true })
      this.#queue.push({ request: { ...request, id: this.#nextId++ }, stop, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      if (this.#queue[0]?.stop.aborted) {
        this.#queue.shift()
        continue
      }
      const thread = this.#idle.pop() ?? this.#start()
      if (!thread) return
      const task = this.#queue.shift()!
      this.#busy.set(thread, task)
      thread.ref()
      thread.postMessage(task.request)
    }
  }

  #start(): Worker | null {
    if (this.#busy.size >= availableParallelism()) return null
    const thread = spawnThread(new URL('./thread.ts', import.meta.url))
    thread.on('message', (answer: HashAnswer) => {
      const task = this.#busy.get(thread)
      this.#busy.delete(thread)
      this.#idle.push(thread)
      thread.unref()
      if ('hashes' in answer) task?.resolve(answer.hashes)
      else task?.reject(Object.assign(new Error(answer.message), { code: answer.errno }))
      this.#dispatch()
    })
    thread.on('error', (error: Error) => {
      this.#busy.get(thread)?.reject(error)
      this.#busy.delete(thread)
      this.#dispatch()
    })
    return thread
  }
}

function* pieces({ first, count }: Extent): Generator<Extent> {
  for (let at = 0; at < count; at += TASK_CHUNKS)
    yield { first: first + at, count: Math.min(TASK_CHUNKS, count - at) }
}

function changedOrStorage(error: unknown, path: string): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ESTALE') return storageError(error, path)
  return new ShoalError('FILE_CHANGED', `${path} changed while it was read`, {
    hint: 'run the command again once nothing writes to the file',
  })
}
