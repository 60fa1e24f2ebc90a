/** Enough for all threads, few enough that the descriptions of a million files are never together in memory. */
const TASKS_AT_ONCE = 4

/** Does the work for all items, a few at once. Rejects with the first error, and then begins no more. */
export async function fewAtOnce<T>(items: Generator<T>, work: (item: T) => Promise<void>): Promise<void> {
  const lane = async (): Promise<void> => {
    try {
      for (let next = items.next(); !next.done; next = items.next()) await work(next.value)
    } finally {
      items.return(undefined)
    }
  }
  await Promise.all(Array.from({ length: TASKS_AT_ONCE }, lane))
}
