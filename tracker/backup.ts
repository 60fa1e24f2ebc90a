import { existsSync } from 'node:fs'
import { ShoalError } from '../protocol/errors.ts'
import { acquireRedis } from '../redis/embedded/server.ts'
import { backupStore } from '../tracker-store/backup/backup.ts'
import type { Counts } from '../tracker-store/backup/format.ts'
import { restoreStore } from '../tracker-store/backup/restore.ts'
import { embeddedFolder, type StorePlace } from './store-location.ts'

/** Saves all metadata to `file`. Throws PATH_NOT_FOUND if the data folder has none. */
export function backupTracker(
  place: StorePlace,
  file: string,
  options: { force: boolean; signal: AbortSignal },
): Promise<Counts> {
  if (!place.redis && !existsSync(embeddedFolder(place.dataFolder)))
    throw new ShoalError('PATH_NOT_FOUND', `${place.dataFolder} has no tracker data`, {
      hint: 'give the data folder with --data, or the Redis URL with --redis',
    })
  return withStore(place, (url) => backupStore(url, file, options))
}

/** Restores the metadata in `file` into an empty store. */
export function restoreTracker(place: StorePlace, file: string, signal: AbortSignal): Promise<Counts> {
  return withStore(place, (url) => restoreStore(url, file, signal))
}

async function withStore<T>(
  { redis, dataFolder }: StorePlace,
  work: (url: string) => Promise<T>,
): Promise<T> {
  if (redis) return work(redis)
  const server = await acquireRedis(embeddedFolder(dataFolder))
  try {
    return await work(server.url)
  } finally {
    await server.release()
  }
}
