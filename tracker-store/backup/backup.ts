import { randomUUID } from 'node:crypto'
import { connectRedis } from '../../redis/connect.ts'
import { requireRedis } from '../../redis/version.ts'
import { Database } from '../database.ts'
import { checkRestored, checkSchema } from '../schema.ts'
import { type Counts, headerOf } from './format.ts'
import { readStore } from './read-store.ts'
import { writeBackup } from './write-file.ts'

/** Runs `work` on its own connection to the store at `url`. Throws what openStore throws. */
export async function withDatabase<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const redis = connectRedis(url, 'commands')
  try {
    await requireRedis(redis, url)
    const db = new Database(redis)
    await checkSchema(db)
    return await work(db)
  } finally {
    redis.disconnect()
  }
}

/**
 * Saves all metadata of the store at `url` to `file`; trackers may keep running. Each group is saved at one
 * revision. Throws PATH_IN_THE_WAY if `file` exists, unless `force`.
 */
export function backupStore(
  url: string,
  file: string,
  options: { force: boolean; signal: AbortSignal },
): Promise<Counts> {
  return withDatabase(url, async (db) => {
    await checkRestored(db)
    const header = headerOf(randomUUID(), new Date().toISOString())
    return writeBackup(file, header, readStore(db), options)
  })
}
