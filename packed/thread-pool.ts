import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { reviveError, type WireError } from '../protocol/errors.ts'
import { spawnThread } from './spawn-thread.ts'

/** A pool thread's answer to a request. */
export type ThreadAnswer<Answer> = { answer: Answer } | { error: WireError }

interface Task<Request, Answer> {
  request: Request
  /** Buffers of the request that move to the thread instead of being copied. */
  transfer: ArrayBuffer[]
  /** Aborted when its result is no longer wanted. */
  stop: AbortSignal
  resolve(answer: Answer): void
  reject(error: Error): void
}

/**
 * Worker threads that run one request each at a time, at most one thread a core. The script answers each message with a
 * ThreadAnswer.
 */
export class ThreadPool<Request, Answer> {
  readonly #script: URL
  readonly #queue: Task<Request, Answer>[] = []
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Task<Request, Answer>>()
  #isClosed = false

  constructor(script: URL) {
    this.#script = script
  }

  /** Rejects with the thread's error, as reviveError gives it, or with the signal's reason. `transfer` moves to the thread. */
  run(request: Request, stop: AbortSignal, transfer: ArrayBuffer[] = []): Promise<Answer> {
    if (stop.aborted) return Promise.reject(stop.reason)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(stop.reason)
      stop.addEventListener('abort', onAbort, { once: true })
      // A signal may outlive many requests.
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T): void => {
          stop.removeEventListener('abort', onAbort)
          settle(value)
        }
      }
      this.#queue.push({ request, transfer, stop, resolve: settled(resolve), reject: settled(reject) })
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#idle, ...this.#busy.keys()].map((thread) => thread.terminate()))
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && !this.#isClosed) {
      if (this.#queue[0]?.stop.aborted) {
        this.#queue.shift()
        continue
      }
      const thread = this.#idle.pop() ?? this.#start()
      if (!thread) return
      const task = this.#queue.shift()!
      this.#busy.set(thread, task)
      thread.ref()
      thread.postMessage(task.request, task.transfer)
    }
  }

  #start(): Worker | null {
    if (this.#busy.size >= availableParallelism()) return null
    const thread = spawnThread(this.#script)
    thread.on('message', (message: ThreadAnswer<Answer>) => {
      const task = this.#busy.get(thread)
      this.#busy.delete(thread)
      this.#idle.push(thread)
      // An answer may still come while the thread ends, and `close` waits for its end.
      if (!this.#isClosed) thread.unref()
      if ('answer' in message) task?.resolve(message.answer)
      else task?.reject(reviveError(message.error))
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
