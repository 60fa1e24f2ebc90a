import { PENDING } from '../../protocol/peer-wire.ts'

/** Records that come faster than this are sent together: each send costs a write here and a read at every follower. */
export const NEWS_MS = 10

/** Sends have-records of a file's chunks to its followers, soon and in batches. */
export class HaveFeed {
  readonly #watchers = new Set<(records: Uint8Array) => void>()
  /** Records to send with the next flush. */
  #records: number[] = []
  #flushedAt = Number.NEGATIVE_INFINITY

  get isFollowed(): boolean {
    return this.#watchers.size > 0
  }

  watch(listener: (records: Uint8Array) => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  /** Announces that a chunk came in, or (`pending`) is being fetched from a seed. */
  tell(chunk: number, pending: boolean): void {
    if (this.#records.length === 0) {
      const wait = this.#flushedAt + NEWS_MS - performance.now()
      if (wait <= 0) setImmediate(() => this.#flush())
      else setTimeout(() => this.#flush(), wait)
    }
    this.#records.push(pending ? (chunk | PENDING) >>> 0 : chunk)
  }

  #flush(): void {
    const records = Buffer.alloc(4 * this.#records.length)
    for (const [i, record] of this.#records.entries()) records.writeUInt32BE(record, 4 * i)
    this.#records = []
    this.#flushedAt = performance.now()
    for (const watcher of this.#watchers) watcher(records)
  }
}
