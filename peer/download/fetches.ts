import type { FetchRequest } from '../threads/fetch-thread.ts'
import type { FetchPool } from './fetch-pool.ts'

/** The fetches of one download: its file may be closed when they have ended, and not before. */
export class Fetches {
  readonly #pool: FetchPool
  readonly #underway = new Set<Promise<void>>()
  readonly #stop = new AbortController()

  constructor(pool: FetchPool) {
    this.#pool = pool
  }

  get ended(): boolean {
    return this.#stop.signal.aborted
  }

  /** As FetchPool.fetch, and rejects when the download's fetches are ended. */
  async fetch(request: Omit<FetchRequest, 'id'>, onChunk: (chunk: number) => void): Promise<void> {
    const fetch = this.#pool.fetch(request, onChunk, this.#stop.signal)
    this.#underway.add(fetch)
    await fetch.finally(() => this.#underway.delete(fetch))
  }

  /** Resolves when no thread writes to the file any more. */
  async end(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#underway)
  }
}
