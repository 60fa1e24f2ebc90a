import { ShoalError } from '../protocol/errors.ts'
import type { Database } from './database.ts'
import { RESTORE_KEY, SCHEMA_KEY } from './keys.ts'

/** Counts up when older versions could no longer read, or would spoil, what is in Redis. */
export const SCHEMA_VERSION = 1

/** Marks an empty Redis with our version. Throws SCHEMA_TOO_NEW where a newer Shoal has written. */
export async function checkSchema(db: Database): Promise<void> {
  await db.ask((redis) => redis.set(SCHEMA_KEY, SCHEMA_VERSION, 'NX'))
  const version = Number(await db.ask((redis) => redis.get(SCHEMA_KEY)))
  if (version > SCHEMA_VERSION)
    throw new ShoalError(
      'SCHEMA_TOO_NEW',
      `the data in Redis is of version ${version}, this Shoal reads ${SCHEMA_VERSION}`,
      { hint: 'run the Shoal version that wrote it, or a later one' },
    )
}

/** Throws RESTORE_UNFINISHED where only a part of a backup has been written. */
export async function checkRestored(db: Database): Promise<void> {
  if ((await db.ask((redis) => redis.exists(RESTORE_KEY))) === 1)
    throw new ShoalError('RESTORE_UNFINISHED', 'a restore of the data in Redis has begun and not ended', {
      hint: 'wait for it; if it was cut off, run the same `shoal tracker restore` again',
    })
}
