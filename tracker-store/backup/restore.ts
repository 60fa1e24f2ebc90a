import { ShoalError } from '../../protocol/errors.ts'
import type { Database } from '../database.ts'
import { GROUP_DIRECTORY, RESTORE_KEY, USER_DIRECTORY } from '../keys.ts'
import { listReplicas } from '../replicas.ts'
import { withDatabase } from './backup.ts'
import type { BackupRecord, Counts, Header } from './format.ts'
import { readBackup } from './read-file.ts'
import { writeRecord } from './write-store.ts'

/** Records that are written in parallel: 10 MiB at most. */
const AT_ONCE = 8

/**
 * Writes the backup in `file` to the store at `url`, which must be empty and unused. An incomplete file writes
 * nothing. No tracker starts on the store until the restore ends; an interrupted restore can be run again.
 * Throws BACKUP_INVALID, SCHEMA_TOO_NEW, STORE_NOT_EMPTY, ALREADY_RUNNING, and the reason of `signal`.
 */
export async function restoreStore(url: string, file: string, signal: AbortSignal): Promise<Counts> {
  const { header } = await readBackup(file, () => signal.throwIfAborted())
  return withDatabase(url, async (db) => {
    await checkUnused(db)
    await begin(db, header)
    const batch: BackupRecord[] = []
    const flush = (): Promise<unknown> =>
      Promise.all(batch.splice(0).map((record) => writeRecord(db, record)))
    const { counts } = await readBackup(file, async (record) => {
      signal.throwIfAborted()
      if (batch.push(record) >= AT_ONCE) await flush()
    })
    await flush()
    await db.ask((redis) => redis.del(RESTORE_KEY))
    return counts
  })
}

async function checkUnused(db: Database): Promise<void> {
  const replicas = await listReplicas(db)
  if (replicas.length > 0)
    throw new ShoalError(
      'ALREADY_RUNNING',
      `trackers are running on this store: ${replicas.map(({ url }) => url).join(', ')}`,
      {
        hint: 'stop them first with `shoal tracker stop`; a killed tracker counts as running for ten more seconds',
      },
    )
}

/** Claims the empty store for this backup, or resumes an interrupted restore of the same backup. */
async function begin(db: Database, { id }: Header): Promise<void> {
  const claimed = await db.ask((redis) => redis.get(RESTORE_KEY))
  if (claimed === id) return
  const [users, groups] = await Promise.all([
    db.ask((redis) => redis.scard(USER_DIRECTORY)),
    db.ask((redis) => redis.zcard(GROUP_DIRECTORY)),
  ])
  if (claimed !== null || users + groups > 0)
    throw new ShoalError(
      'STORE_NOT_EMPTY',
      claimed === null
        ? `the store already has ${users} users and ${groups} groups`
        : 'a restore of another backup into this store was interrupted',
      { hint: 'restore into an empty store: use another data folder or another Redis, or flush this one' },
    )
  await db.ask((redis) => redis.set(RESTORE_KEY, id))
}
