import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { spawnThread } from './spawn-thread.ts'

/** What a thread of a pool answers to each request. */
export type ThreadAnswer<Answer> = { answer: Answer } | { errno: string | undefined; message: string }

interface Task<Request, Answer> {
  request: Request
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
  #closed = false

  constructor(script: URL) {
    this.#script = script
  }

  /** Rejects with an Error that has the thread's `code`, or with the signal's reason. */
  run(request: Request, stop: AbortSignal): Promise<Answer> {
    if (stop.aborted) return Promise.reject(stop.reason)
    return new Promise((resolve, reject) => {
      stop.addEventListener('abort', () => reject(stop.reason), { once: true })
      this.#queue.push({ request, stop, resolve, reject })
      this.#dispatch()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#idle, ...this.#busy.keys()].map((thread) => thread.terminate()))
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && !this.#closed) {
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
    const thread = spawnThread(this.#script)
    thread.on('message', (message: ThreadAnswer<Answer>) => {
      const task = this.#busy.get(thread)
      this.#busy.delete(thread)
      this.#idle.push(thread)
      // Once the pool is closed, the process waits until its threads have ended.
      if (!this.#closed) thread.unref()
      if ('answer' in message) task?.resolve(message.answer)
      else task?.reject(Object.assign(new Error(message.message), { code: message.errno }))
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
