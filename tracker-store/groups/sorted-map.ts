/** Sorted entries, few enough to copy on each change. */
interface Run<V> {
  readonly keys: readonly string[]
  readonly values: readonly V[]
}

const FULL_RUN = 128

/**
 * An immutable map sorted by key in code unit order. A change copies one run and the list of runs (about a thousand
 * entries at 100,000 keys), so updating the view of a large group stays cheap.
 */
export class SortedMap<V> {
  readonly size: number
  readonly #runs: readonly Run<V>[]

  private constructor(runs: readonly Run<V>[], size: number) {
    this.#runs = runs
    this.size = size
  }

  static from<V>(entries: Iterable<readonly [string, V]>): SortedMap<V> {
    const sorted = [...new Map(entries)].sort(([a], [b]) => (a < b ? -1 : 1))
    const runs: Run<V>[] = []
    // Half full, so that the first inserts do not split every run.
    for (let i = 0; i < sorted.length; i += FULL_RUN / 2) {
      const part = sorted.slice(i, i + FULL_RUN / 2)
      runs.push({ keys: part.map(([key]) => key), values: part.map(([, value]) => value) })
    }
    return new SortedMap(runs, sorted.length)
  }

  get(key: string): V | undefined {
    const run = this.#runs[this.#runFor(key)]
    if (run === undefined) return undefined
    const at = lowerBound(run.keys, key)
    return run.keys[at] === key ? run.values[at] : undefined
  }

  with(key: string, value: V): SortedMap<V> {
    if (this.#runs.length === 0) return new SortedMap([{ keys: [key], values: [value] }], 1)
    const index = this.#runFor(key)
    const run = this.#runs[index] as Run<V>
    const at = lowerBound(run.keys, key)
    const replaced = run.keys[at] === key ? 1 : 0
    const changed = {
      keys: run.keys.toSpliced(at, replaced, key),
      values: run.values.toSpliced(at, replaced, value),
    }
    const runs = changed.keys.length > FULL_RUN ? halves(changed) : [changed]
    return new SortedMap(this.#runs.toSpliced(index, 1, ...runs), this.size + 1 - replaced)
  }

  without(key: string): SortedMap<V> {
    const index = this.#runFor(key)
    const run = this.#runs[index]
    const at = run === undefined ? 0 : lowerBound(run.keys, key)
    if (run === undefined || run.keys[at] !== key) return this
    const left = { keys: run.keys.toSpliced(at, 1), values: run.values.toSpliced(at, 1) }
    return new SortedMap(
      this.#runs.toSpliced(index, 1, ...(left.keys.length > 0 ? [left] : [])),
      this.size - 1,
    )
  }

  /** Entries from the first key >= `key`. */
  *from(key: string): Generator<readonly [string, V]> {
    let at: number | null = null
    for (let index = this.#runFor(key); index < this.#runs.length; index++) {
      const run = this.#runs[index] as Run<V>
      at = at === null ? lowerBound(run.keys, key) : 0
      for (; at < run.keys.length; at++) yield [run.keys[at] as string, run.values[at] as V]
    }
  }

  /** Index of the last run that starts at or before `key`, or 0. */
  #runFor(key: string): number {
    let low = 0
    let high = this.#runs.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#runs[middle] as Run<V>).keys[0]! <= key) low = middle
      else high = middle
    }
    return low
  }
}

/** Index of the first of `keys` that is >= `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

function halves<V>({ keys, values }: Run<V>): [Run<V>, Run<V>] {
  const middle = keys.length >>> 1
  return [
    { keys: keys.slice(0, middle), values: values.slice(0, middle) },
    { keys: keys.slice(middle), values: values.slice(middle) },
  ]
}
