import { ShoalError } from '../protocol/errors.ts'
import type { Database } from './database.ts'
import { RESTORE_KEY, SCHEMA_KEY } from './keys.ts'

/** Incremented when older versions could no longer read the data in Redis, or would damage it: see migrate.ts. */
export const SCHEMA_VERSION = 2

/** Marks an empty Redis with our version. Throws SCHEMA_TOO_NEW if a newer Shoal has written to it. */
export async function checkSchema(db: Database): Promise<void> {
  await db.ask((redis) => redis.set(SCHEMA_KEY, SCHEMA_VERSION, 'NX'))
  const version = Number(await db.ask((redis) => redis.get(SCHEMA_KEY)))
  if (version > SCHEMA_VERSION)
    throw new ShoalError(
      'SCHEMA_TOO_NEW',
      `the data in Redis has version ${version}, but this Shoal reads up to ${SCHEMA_VERSION}`,
      { hint: 'run the Shoal version that wrote it, or a newer one' },
    )
}

/** Throws RESTORE_UNFINISHED if the store holds only part of a backup. */
export async function checkRestored(db: Database): Promise<void> {
  if ((await db.ask((redis) => redis.exists(RESTORE_KEY))) === 1)
    throw new ShoalError('RESTORE_UNFINISHED', 'a restore into this Redis is unfinished', {
      hint: 'wait for it; if it was interrupted, run the same `shoal tracker restore` again',
    })
}
