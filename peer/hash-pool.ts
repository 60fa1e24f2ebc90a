import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { chunkCount, HASH_SIZE } from '../protocol/chunking.ts'
import { ShoalError, storageError } from '../protocol/errors.ts'
import { type HashAnswer, type HashRequest, hashChunks } from './threads/hash-thread.ts'
import { spawnThread } from './threads/spawn.ts'

/** Chunks in one thread's task: 32 MiB, a few hundredths of a second. */
const TASK_CHUNKS = 64
/** Shorter work is done here at once: a thread would take longer to start. */
const INLINE_CHUNKS = 8

interface Task {
  request: HashRequest
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
   * hashed so far, out of order. Throws a storage error, or FILE_CHANGED when the file has fewer bytes.
   */
  async hash(
    path: string,
    size: number,
    range: { first: number; count: number } = { first: 0, count: chunkCount(size) },
    progress: (bytes: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const hashes = new Uint8Array(range.count * HASH_SIZE)
    const tasks: Promise<void>[] = []
    for (let at = 0; at < range.count; at += TASK_CHUNKS) {
      const first = range.first + at
      const count = Math.min(TASK_CHUNKS, range.count - at)
      const task = this.#run({ path, size, first, count }, range.count, signal)
      tasks.push(
        task.then((part) => {
          hashes.set(part, at * HASH_SIZE)
          progress(count)
        }),
      )
    }
    await Promise.all(tasks).catch((error: unknown) => {
      for (let i = this.#queue.length; i--; )
        if (this.#queue[i]!.request.path === path) this.#queue.splice(i, 1)
      throw changedOrStorage(error, path)
    })
    return hashes
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle, ...this.#busy.keys()].map((thread) => thread.terminate()))
  }

  async #run(request: Omit<HashRequest, 'id'>, total: number, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (total <= INLINE_CHUNKS) return hashChunks(request)
    return new Promise((resolve, reject) => {
      this.#queue.push({ request: { ...request, id: this.#nextId++ }, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
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
    const thread = spawnThread('hash-thread')
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
    })
    return thread
  }
}

function changedOrStorage(error: unknown, path: string): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ESTALE') return storageError(error, path)
  return new ShoalError('FILE_CHANGED', `${path} changed while it was read`, {
    hint: 'run the command again once nothing writes to the file',
  })
}
