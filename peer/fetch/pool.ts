import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { spawnThread } from '../../packed/spawn-thread.ts'
import { reviveError } from '../../protocol/errors.ts'
import type { FetchRequest, FetchThreadData, FromFetchThread, ToFetchThread } from './thread.ts'

/** More threads than this bring nothing: the wire or the disk is the limit by then. */
const MAX_THREADS = 3
/**
 * Chunks under way on every thread before another is started: so many only fast peers are asked for. Starting
 * one takes a tenth of a CPU second and a connection to each peer.
 */
const WORTH_A_THREAD = 24

interface Underway {
  chunks: number
  onChunk(chunk: number): void
  resolve(): void
  reject(error: Error): void
}

interface FetchThread {
  worker: Worker
  underway: Map<number, Underway>
  /** Of all extents under way. */
  chunks: number
}

/** Threads that fetch, verify and write extents, away from the event loop that serves and schedules. */
export class FetchPool {
  readonly #data: FetchThreadData
  readonly #threads: FetchThread[] = []
  #nextId = 0

  constructor(data: FetchThreadData) {
    this.#data = data
  }

  /**
   * Resolves when every chunk of the extent is verified and written; `onChunk` hears of each. Rejects with
   * HASH_MISMATCH, PEER_BAD_ANSWER, NO_PEER (stalled), GRANT_INVALID, CHUNK_NOT_HELD, a storage error, or the
   * connection's error. When the signal aborts it rejects too, once nothing is written any more: only then may
   * the descriptor be closed, since its number would soon be another file's.
   */
  fetch(
    request: Omit<FetchRequest, 'id'>,
    onChunk: (chunk: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (signal.aborted) return Promise.reject(signal.reason)
    const id = this.#nextId++
    const thread = this.#leastBusy()
    const tell = (message: ToFetchThread): void => thread.worker.postMessage(message)
    const cancel = (): void => tell({ type: 'cancel', id })
    signal.addEventListener('abort', cancel, { once: true })
    thread.underway.set(id, { chunks: request.count, onChunk, resolve, reject })
    thread.chunks += request.count
    thread.worker.ref()
    tell({ type: 'fetch', request: { ...request, id } })
    return promise.finally(() => signal.removeEventListener('abort', cancel))
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()))
  }

  /** Starts the first thread, where there is none, so that it is there when the first extent is. */
  warmUp(): void {
    if (this.#threads.length === 0) this.#start()
  }

  #leastBusy(): FetchThread {
    const idle = this.#threads.toSorted((a, b) => a.chunks - b.chunks)[0]
    const limit = Math.min(MAX_THREADS, availableParallelism())
    if (idle && (idle.chunks < WORTH_A_THREAD || this.#threads.length >= limit)) return idle
    return this.#start()
  }

  #start(): FetchThread {
    const thread: FetchThread = {
      worker: spawnThread(new URL('./thread.ts', import.meta.url), this.#data),
      underway: new Map(),
      chunks: 0,
    }
    thread.worker.on('message', (message: FromFetchThread) => {
      const job = thread.underway.get(message.id)
      for (const chunk of message.chunks) job?.onChunk(chunk)
      if (message.type === 'chunks') return
      thread.underway.delete(message.id)
      thread.chunks -= job?.chunks ?? 0
      if (thread.underway.size === 0) thread.worker.unref()
      if (message.error === null) job?.resolve()
      else job?.reject(reviveError(message.error))
    })
    thread.worker.on('error', (error: Error) => {
      this.#threads.splice(this.#threads.indexOf(thread), 1)
      for (const job of thread.underway.values()) job.reject(error)
    })
    this.#threads.push(thread)
    return thread
  }
}
