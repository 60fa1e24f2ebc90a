import { ShoalError } from '../../protocol/errors.ts'
import type { FileRecord, JoinRequest, Member } from '../../protocol/records.ts'
import type { Database } from '../database.ts'
import { groupKeys } from '../keys.ts'
import { applyEvent } from './apply-event.ts'
import { SortedFiles } from './file-index.ts'
import { type Position, positionOf, readAfter, readPosition } from './group-stream.ts'
import type { GroupView } from './group-view.ts'
import { SortedRoster } from './roster.ts'

export interface Snapshot {
  /** Null if the group does not exist. */
  view: GroupView | null
  position: Position
}

const PAGE = 2000
/** Attempts before a group that outruns its stream during the read counts as unavailable. */
const TRIES = 3

/**
 * Reads a group page by page while it may change. The pages are of different revisions; applying all events since the
 * first page makes them consistent. Throws STORE_UNAVAILABLE.
 */
export async function loadSnapshot(db: Database, group: string): Promise<Snapshot> {
  for (let i = 0; i < TRIES; i++) {
    const start = await readPosition(db, group)
    const view = await readMixture(db, group, start.revision)
    if (view === null) return { view, position: start }
    const entries = await readAfter(db, group, start)
    if (typeof entries === 'string') continue
    const last = entries.at(-1)
    return {
      view: entries.reduce((state: GroupView | null, { event }) => applyEvent(state, event), view),
      position: last === undefined ? start : positionOf(last),
    }
  }
  throw new ShoalError('STORE_UNAVAILABLE', `the group ${group} changes faster than it can be read`, {
    hint: 'try again in a moment',
  })
}

async function readMixture(db: Database, group: string, revision: number): Promise<GroupView | null> {
  const keys = groupKeys(group)
  const meta = await db.ask((redis) => redis.hgetall(keys.meta))
  if (meta.name === undefined) return null
  const [members, requests, files] = await Promise.all([
    readHash<Member>(db, keys.members),
    readHash<JoinRequest>(db, keys.requests),
    readHash<FileRecord>(db, keys.files),
  ])
  return {
    group: meta.name,
    revision,
    created: meta.created ?? '',
    owner: meta.owner ?? '',
    members: SortedRoster.from(members),
    requests: SortedRoster.from(requests),
    files: SortedFiles.from(files),
  }
}

/** The records of a hash. HSCAN may return one twice, but returns every record that exists throughout. */
async function readHash<T>(db: Database, key: string): Promise<T[]> {
  const records = new Map<string, T>()
  let cursor = '0'
  do {
    const [next, items] = await db.ask((redis) => redis.hscan(key, cursor, 'COUNT', PAGE))
    for (let i = 0; i < items.length; i += 2) records.set(items[i]!, JSON.parse(items[i + 1]!) as T)
    cursor = next
  } while (cursor !== '0')
  return [...records.values()]
}
