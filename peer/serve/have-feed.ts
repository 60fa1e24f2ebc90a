import { PENDING } from '../../protocol/peer-wire.ts'

/** News go out together where they come fast: each costs every follower a read, and this side a write for each. */
export const NEWS_MS = 10

/** Tells those who follow a file what becomes of its chunks: soon, and many at once. */
export class HaveFeed {
  readonly #watchers = new Set<(records: Uint8Array) => void>()
  /** Have-records that are not told yet. */
  #news: number[] = []
  #toldAt = Number.NEGATIVE_INFINITY

  get isFollowed(): boolean {
    return this.#watchers.size > 0
  }

  watch(listener: (records: Uint8Array) => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  /** A chunk came in, or (`pending`) is on its way from a seed. */
  tell(chunk: number, pending: boolean): void {
    if (this.#news.length === 0) {
      const wait = this.#toldAt + NEWS_MS - performance.now()
      if (wait <= 0) setImmediate(() => this.#flush())
      else setTimeout(() => this.#flush(), wait)
    }
    this.#news.push(pending ? (chunk | PENDING) >>> 0 : chunk)
  }

  #flush(): void {
    const records = Buffer.alloc(4 * this.#news.length)
    for (const [i, record] of this.#news.entries()) records.writeUInt32BE(record, 4 * i)
    this.#news = []
    this.#toldAt = performance.now()
    for (const watcher of this.#watchers) watcher(records)
  }
}
