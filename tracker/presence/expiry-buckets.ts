/**
 * Remembers when each id was last seen, in buckets of one second, so that what has expired is found without
 * looking at what has not.
 */
const BUCKET_MS = 1000

export class ExpiryBuckets {
  readonly #buckets = new Map<number, Set<string>>()
  readonly #bucketOf = new Map<string, number>()

  seen(id: string, at: number): void {
    const bucket = Math.floor(at / BUCKET_MS)
    if (this.#bucketOf.get(id) === bucket) return
    this.forget(id)
    this.#bucketOf.set(id, bucket)
    const ids = this.#buckets.get(bucket)
    if (ids) ids.add(id)
    else this.#buckets.set(bucket, new Set([id]))
  }

  forget(id: string): void {
    const bucket = this.#bucketOf.get(id)
    if (bucket === undefined) return
    this.#bucketOf.delete(id)
    const ids = this.#buckets.get(bucket)
    ids?.delete(id)
    if (ids?.size === 0) this.#buckets.delete(bucket)
  }

  /** Forgets and returns all ids in buckets that ended before `time` (milliseconds since the epoch). */
  takeBefore(time: number): string[] {
    const end = Math.floor(time / BUCKET_MS)
    const expired: string[] = []
    for (const [bucket, ids] of this.#buckets) {
      if (bucket >= end) continue
      for (const id of ids) {
        this.#bucketOf.delete(id)
        expired.push(id)
      }
      this.#buckets.delete(bucket)
    }
    return expired
  }
}
