import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { spawnThread } from '../../packed/spawn-thread.ts'
import { reviveError } from '../../protocol/errors.ts'
import type { FetchRequest, FetchThreadData, FromFetchThread, ToFetchThread } from './thread.ts'

/** More threads do not help: by then the wire or the disk is the limit. */
const MAX_THREADS = 3
/**
 * Another thread starts once each one has this many chunks under way, which only fast peers are asked for. A start
 * takes a tenth of a CPU second and a connection to each peer.
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
  /** Chunks of all extents under way. */
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
   * Resolves when every chunk of the extent is verified and written; calls `onChunk` for each. Rejects with
   * HASH_MISMATCH, PEER_BAD_ANSWER, NO_PEER (stalled), GRANT_INVALID, CHUNK_NOT_HELD, a storage error, or the
   * connection's error. After an abort it rejects once the last write has ended. Close the descriptor only then:
   * the system soon reuses its number for another file.
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
    const post = (message: ToFetchThread): void => thread.worker.postMessage(message)
    const cancel = (): void => post({ type: 'cancel', id })
    signal.addEventListener('abort', cancel, { once: true })
    thread.underway.set(id, { chunks: request.count, onChunk, resolve, reject })
    thread.chunks += request.count
    thread.worker.ref()
    post({ type: 'fetch', request: { ...request, id } })
    return promise.finally(() => signal.removeEventListener('abort', cancel))
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()))
  }

  /** Starts the first thread ahead of the first extent. */
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
