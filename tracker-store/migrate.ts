import type { Database } from './database.ts'
import { groupKeys, SCHEMA_KEY } from './keys.ts'
import { scanNames } from './scan-names.ts'
import { SCHEMA_VERSION } from './schema.ts'

const PAGE = 1000

/**
 * Brings data of schema 1 to schema 2, in place. Schema 1 has no index of names, and only the newest version of each
 * file, which schema 2 stores in the same way. Several replicas may do this at once, and groups may change meanwhile.
 */
export async function migrate(db: Database): Promise<void> {
  if ((await storedVersion(db)) >= SCHEMA_VERSION) return
  for await (const group of scanNames(db, groupKeys('*').files)) await indexNames(db, group)
  if ((await storedVersion(db)) < SCHEMA_VERSION)
    await db.ask((redis) => redis.set(SCHEMA_KEY, SCHEMA_VERSION))
}

const storedVersion = async (db: Database): Promise<number> =>
  Number(await db.ask((redis) => redis.get(SCHEMA_KEY)))

async function indexNames(db: Database, group: string): Promise<void> {
  const { files, names } = groupKeys(group)
  let cursor = '0'
  do {
    const [next, fields] = await db.ask((redis) => redis.hscan(files, cursor, 'COUNT', PAGE))
    const page = fields.filter((_, i) => i % 2 === 0)
    // A small hash comes in one piece, whatever the count.
    for (let i = 0; i < page.length; i += PAGE)
      await db.run('indexNames', [files, names], page.slice(i, i + PAGE), group)
    cursor = next
  } while (cursor !== '0')
}
