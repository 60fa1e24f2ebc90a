import type { Bitmap } from '../../protocol/bitmap.ts'
import { PENDING } from '../../protocol/peer-wire.ts'
import type { FileReader, ServedFile } from '../serve/library.ts'
import type { PartFile } from './part-file.ts'

/** News go out together where they come fast: each costs every follower a read, and this side a write for each. */
export const NEWS_MS = 10

/** A download under way, served to others chunk by chunk as it is verified. */
export class PartialFile implements ServedFile {
  readonly fileId: string
  readonly size: number
  readonly groups: ReadonlySet<string>
  readonly have: Bitmap
  readonly #hashes: () => Uint8Array
  readonly #part: PartFile
  readonly #watchers = new Set<(records: Uint8Array) => void>()
  /** Have-records that are not told yet. */
  #news: number[] = []
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(
    file: { group: string; fileId: string; size: number },
    have: Bitmap,
    hashes: () => Uint8Array,
    part: PartFile,
  ) {
    this.fileId = file.fileId
    this.size = file.size
    this.groups = new Set([file.group])
    this.have = have
    this.#hashes = hashes
    this.#part = part
  }

  hashes(): Uint8Array {
    return this.#hashes()
  }

  async open(): Promise<FileReader> {
    return this.#part.openReader()
  }

  watch(listener: (records: Uint8Array) => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  /** Tells the swarm of a chunk that came in, or (`pending`) that is being fetched from a seed: soon, and many at once. */
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
