import { Cluster } from 'ioredis'
import type { GroupEvent } from '../../protocol/records.ts'
import type { Database } from '../database.ts'
import { groupKeys } from '../keys.ts'

/** An event, with its text in the stream. */
export interface StreamEntry {
  event: GroupEvent
  text: string
}

/**
 * A reader's place in a group's history: its revision, and the text of that revision's event if known. A different
 * text reveals that a failover replaced the history.
 */
export interface Position {
  revision: number
  text: string | null
}

/** Why a reader cannot continue: the stream starts after its position, or holds another history. */
export type Break = 'trimmed' | 'replaced'

const PAGE = 1000

export const parseEntry = (text: string): StreamEntry => ({ event: JSON.parse(text) as GroupEvent, text })

export const positionOf = (entry: StreamEntry): Position => ({
  revision: entry.event.revision,
  text: entry.text,
})

/**
 * The events after `position`, up to at least the group's revision at the time of the call, or why there are none.
 * Redis skips a trimmed range silently, so this checks every id.
 */
export async function readAfter(
  db: Database,
  group: string,
  position: Position,
): Promise<StreamEntry[] | Break> {
  const keys = groupKeys(group)
  const known = position.text === null ? 0 : 1
  const entries: StreamEntry[] = []
  let next = position.revision + 1 - known
  const page = (): Promise<[string, string[]][]> =>
    db.ask((redis) => redis.xrange(keys.stream, `${next}-0`, '+', 'COUNT', PAGE))
  let [target, items] = await Promise.all([readRevision(db, group), page()])
  if (target < position.revision) return 'replaced'
  while (items.length > 0) {
    for (const [id, [, text = '']] of items) {
      if (id !== `${next}-0`) return 'trimmed'
      if (next > position.revision) entries.push(parseEntry(text))
      else if (text !== position.text) return 'replaced'
      next++
    }
    items = items.length < PAGE ? [] : await page()
  }
  return next > target ? entries : 'trimmed'
}

export async function readRevision(db: Database, group: string): Promise<number> {
  return Number((await db.ask((redis) => redis.get(groupKeys(group).revision))) ?? 0)
}

/** The revisions of many groups. Runs twice a second for all groups in use, so it asks for a thousand at a time. */
export async function readRevisions(db: Database, groups: readonly string[]): Promise<number[]> {
  const revisions: number[] = []
  for (let i = 0; i < groups.length; i += PAGE) {
    const keys = groups.slice(i, i + PAGE).map((group) => groupKeys(group).revision)
    const replies = await db.ask((redis) =>
      redis instanceof Cluster ? Promise.all(keys.map((key) => redis.get(key))) : redis.mget(keys),
    )
    for (const reply of replies) revisions.push(Number(reply ?? 0))
  }
  return revisions
}

/** The group's newest position. */
export async function readPosition(db: Database, group: string): Promise<Position> {
  const newest = db.ask((redis) => redis.xrevrange(groupKeys(group).stream, '+', '-', 'COUNT', 1))
  const [revision, [entry]] = await Promise.all([readRevision(db, group), newest])
  const text = entry?.[0] === `${revision}-0` ? (entry[1][1] ?? null) : null
  return { revision, text }
}
