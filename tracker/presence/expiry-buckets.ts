/** Remembers when each id was last seen, in buckets of one second, so that expiry needs no scan. */
const BUCKET_MS = 1000

const bucketAt = (time: number): number => Math.floor(time / BUCKET_MS)

export class ExpiryBuckets {
  readonly #buckets = new Map<number, Set<string>>()
  readonly #bucketOf = new Map<string, number>()

  /** Adds an id, or corrects it to an earlier time. A later time need not be reported. */
  seen(id: string, at: number): void {
    const bucket = bucketAt(at)
    const before = this.#bucketOf.get(id)
    if (before !== undefined && before <= bucket) return
    this.forget(id)
    this.#put(id, bucket)
  }

  forget(id: string): void {
    const bucket = this.#bucketOf.get(id)
    if (bucket === undefined) return
    this.#bucketOf.delete(id)
    const ids = this.#buckets.get(bucket)
    ids?.delete(id)
    if (ids?.size === 0) this.#buckets.delete(bucket)
  }

  /**
   * Removes and returns all ids last seen in buckets that ended before `time` (milliseconds since the epoch). `lastSeen` is
   * called only for ids of ended buckets, so frequent sightings cost nothing.
   */
  takeBefore(time: number, lastSeen: (id: string) => number = () => 0): string[] {
    const end = bucketAt(time)
    const expired: string[] = []
    for (const [bucket, ids] of [...this.#buckets]) {
      if (bucket >= end) continue
      this.#buckets.delete(bucket)
      for (const id of ids) {
        const last = bucketAt(lastSeen(id))
        if (last >= end) this.#put(id, last)
        else {
          this.#bucketOf.delete(id)
          expired.push(id)
        }
      }
    }
    return expired
  }

  #put(id: string, bucket: number): void {
    this.#bucketOf.set(id, bucket)
    const ids = this.#buckets.get(bucket)
    if (ids) ids.add(id)
    else this.#buckets.set(bucket, new Set([id]))
  }
}
