import { HASH_SIZE } from '../../protocol/chunking.ts'
import type { Database } from '../database.ts'
import { rowKey, rowOf } from '../groups/rows.ts'
import {
  fold,
  GROUP_DIRECTORY,
  groupKeys,
  hashesKey,
  SIGNING_KEYS,
  USER_DIRECTORY,
  userKeys,
} from '../keys.ts'
import type { BackupRecord, HashPage, SavedSession } from './format.ts'

/**
 * Added to every group's revision. Clients may have seen changes made after the backup, and must take the next
 * change for a newer one. No group changes this often between a backup and its restore.
 */
export const REVISION_LEAP = 1_000_000

/**
 * Writes one record. It needs no script because nobody uses the store yet. Writing a record twice changes nothing,
 * so an interrupted restore can be run again.
 */
export async function writeRecord(db: Database, record: BackupRecord): Promise<void> {
  switch (record.type) {
    case 'group':
      return writeGroup(db, record)
    case 'members':
      return writeFields(db, groupKeys(record.group).members, byKey(record.members, 'user'))
    case 'requests':
      return writeFields(db, groupKeys(record.group).requests, byKey(record.requests, 'user'))
    case 'files':
      await addMembers(
        db,
        groupKeys(record.group).names,
        record.files.map(({ name }) => name),
      )
      return writeFields(db, groupKeys(record.group).files, byKey(record.files, 'name'))
    case 'versions':
      return addMembers(
        db,
        groupKeys(record.group).versions,
        record.versions.map((file) => rowOf(rowKey(file.name, file.version), file)),
      )
    case 'tags':
      return addMembers(
        db,
        groupKeys(record.group).tags,
        record.tags.map((tag) => rowOf(rowKey(tag.name, tag.tag), tag)),
      )
    case 'tagHistory':
      return addMembers(
        db,
        groupKeys(record.group).tagHistory,
        record.changes.map((change) => rowOf(rowKey(change.name, change.revision, change.tag), change)),
      )
    case 'hashes':
      await Promise.all(record.pages.map((page) => writeHashes(db, record.group, page)))
      return
    case 'user':
      return writeUser(db, record.record, record.sessions)
    case 'keys':
      await db.ask((redis) => redis.del(SIGNING_KEYS))
      if (record.keys.length > 0)
        await db.ask((redis) => redis.rpush(SIGNING_KEYS, ...record.keys.map((key) => JSON.stringify(key))))
  }
}

async function writeGroup(
  db: Database,
  { group, revision, meta }: BackupRecord & { type: 'group' },
): Promise<void> {
  const keys = groupKeys(group)
  await db.ask((redis) => redis.set(keys.revision, revision + REVISION_LEAP))
  if (meta === null) return
  await db.ask((redis) => redis.zadd(GROUP_DIRECTORY, 0, group))
  await writeFields(db, keys.meta, new Map(Object.entries({ name: group, ...meta })))
}

async function writeHashes(
  db: Database,
  group: string,
  { fileId, names, first, hashes }: HashPage,
): Promise<void> {
  const key = hashesKey(group, fileId)
  const packed = Buffer.from(hashes, 'base64')
  await db.ask((redis) => redis.hset(groupKeys(group).content, fileId, names))
  if (first === 0) await db.ask((redis) => redis.set(key, packed))
  else await db.ask((redis) => redis.setrange(key, first * HASH_SIZE, packed))
}

async function writeUser(
  db: Database,
  record: Record<string, string>,
  sessions: SavedSession[],
): Promise<void> {
  const { user = '' } = record
  const keys = userKeys(user)
  await db.ask((redis) => redis.sadd(USER_DIRECTORY, fold(user)))
  await writeFields(db, keys.record, new Map(Object.entries(record)))
  for (const { tokenHash, session } of sessions) {
    const expires = Date.parse(session.expires)
    if (expires <= Date.now()) continue
    await db.ask((redis) => redis.zadd(keys.sessions, expires, tokenHash))
    await db.ask((redis) =>
      redis.set(keys.sessionPrefix + tokenHash, JSON.stringify(session), 'PXAT', expires),
    )
  }
}

/** Each record as JSON, keyed by its field `key`. */
function byKey<K extends string, T extends Record<K, string>>(records: T[], key: K): Map<string, string> {
  return new Map(records.map((record) => [record[key], JSON.stringify(record)]))
}

/** Adds to a sorted set whose scores are all 0. */
async function addMembers(db: Database, key: string, members: string[]): Promise<void> {
  await db.ask((redis) => redis.zadd(key, ...members.flatMap((member) => [0, member])))
}

async function writeFields(db: Database, key: string, fields: Map<string, string>): Promise<void> {
  await db.ask((redis) => redis.hset(key, fields))
}
