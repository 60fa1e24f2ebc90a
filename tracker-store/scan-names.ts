import { masters } from '../redis/connect.ts'
import type { Database } from './database.ts'

const SCAN_COUNT = 1000

/** The part of each key matching `pattern` that its star stands for, from all nodes, each once. */
export async function* scanNames(db: Database, pattern: string): AsyncGenerator<string> {
  const [before, after] = pattern.split('*') as [string, string]
  const known = new Set<string>()
  for (const node of await db.ask(async (redis) => masters(redis))) {
    let cursor = '0'
    do {
      const [next, keys] = await db.ask(() => node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT))
      for (const key of keys) {
        const name = key.slice(before.length, key.length - after.length)
        if (!known.has(name)) yield name
        known.add(name)
      }
      cursor = next
    } while (cursor !== '0')
  }
}
