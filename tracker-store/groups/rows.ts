import type { Database } from '../database.ts'

/** Rows of sorted sets, as scripts/lib.lua writes them: the parts of a key, each ended by a line feed, then JSON. */
const END = Buffer.from([0xff])

/** The start of all rows of this key, or of all keys that begin with these parts. */
export const rowKey = (...parts: (string | number)[]): string =>
  parts.map((part) => `${typeof part === 'number' ? String(part).padStart(16, '0') : part}\n`).join('')

export const rowOf = (key: string, record: object): string => key + JSON.stringify(record)

const recordOf = <T>(row: string): T => JSON.parse(row.slice(row.lastIndexOf('\n') + 1)) as T

/** Up to `limit` records below `prefix` in descending order, only those before the row key `before`. */
export async function newestRows<T>(
  db: Database,
  set: string,
  prefix: string,
  limit: number,
  before?: string,
): Promise<T[]> {
  const end = before === undefined ? Buffer.concat([Buffer.from(`(${prefix}`), END]) : `(${before}`
  const rows = await db.ask((redis) => redis.zrevrangebylex(set, end, `[${prefix}`, 'LIMIT', 0, limit))
  return rows.map((row) => recordOf<T>(row))
}

/** All records of a set in pages, in ascending order. */
export async function* allRows<T>(db: Database, set: string, page: number): AsyncGenerator<T[]> {
  let from = '-'
  while (true) {
    const start = from
    const rows = await db.ask((redis) => redis.zrangebylex(set, start, '+', 'LIMIT', 0, page))
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map((row) => recordOf<T>(row))
    from = `(${last}`
  }
}
