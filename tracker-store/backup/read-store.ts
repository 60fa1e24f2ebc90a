import { chunkCount, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { FileRecord } from '../../protocol/records.ts'
import { masters } from '../../redis/connect.ts'
import { RedisKeys } from '../accounts/signing-keys.ts'
import type { Database } from '../database.ts'
import type { GroupView } from '../groups/group-view.ts'
import { RedisHashes } from '../groups/hashes.ts'
import { loadSnapshot } from '../groups/snapshot.ts'
import { groupKeys, userKeys } from '../keys.ts'
import type { Session } from '../store.ts'
import type { BackupRecord, HashPage, SavedSession } from './format.ts'

/** Records per line. */
const PAGE = 500
/** Hashes per line: 1 MiB. */
const HASHES_PAGE = 32_768
const SCAN_COUNT = 1000

/**
 * All durable data, group by group, each at one revision. Groups come before users: a user who registers and joins
 * during the backup must not become a member without an account, whose name somebody else could take.
 * Throws STORE_UNAVAILABLE.
 */
export async function* readStore(db: Database): AsyncGenerator<BackupRecord> {
  for await (const group of names(db, groupKeys('*').revision)) yield* readGroup(db, group)
  for await (const user of names(db, userKeys('*').record)) yield* readUser(db, user)
  yield { type: 'keys', keys: await new RedisKeys(db).list() }
}

/** The part of each matching key that the star stands for, from all nodes, each once. */
async function* names(db: Database, pattern: string): AsyncGenerator<string> {
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

async function* readGroup(db: Database, name: string): AsyncGenerator<BackupRecord> {
  const { view, position } = await loadSnapshot(db, name)
  if (view === null) {
    yield { type: 'group', group: name, revision: position.revision, meta: null }
    return
  }
  const { group, created, owner } = view
  yield { type: 'group', group, revision: position.revision, meta: { created, owner } }
  for (const members of slices([...view.members.values()])) yield { type: 'members', group, members }
  for (const requests of slices([...view.requests.values()])) yield { type: 'requests', group, requests }
  for (const files of pages(view)) yield { type: 'files', group, files }
  yield* readHashes(db, view)
}

function* slices<T>(records: T[]): Generator<T[]> {
  for (let i = 0; i < records.length; i += PAGE) yield records.slice(i, i + PAGE)
}

function* pages(view: GroupView): Generator<FileRecord[]> {
  for (let page = view.files.page('', '', PAGE); page.length > 0; ) {
    yield page
    page = view.files.page('', page.at(-1)!.name, PAGE)
  }
}

interface WantedPage {
  fileId: string
  names: number
  first: number
  count: number
}

async function* readHashes(db: Database, view: GroupView): AsyncGenerator<BackupRecord> {
  const hashes = new RedisHashes(db)
  const read = async ({ fileId, names, first, count }: WantedPage): Promise<HashPage> => {
    const packed = await hashes.read(view.group, fileId, first, count)
    if (packed.length !== count * HASH_SIZE) throw gone(view.group)
    return { fileId, names, first, hashes: packed.toString('base64') }
  }
  for (const batch of batches(wantedPages(view)))
    yield { type: 'hashes', group: view.group, pages: await Promise.all(batch.map(read)) }
}

/** The hashes of a removed group go at once; those of a replaced file stay for a day. */
const gone = (group: string): ShoalError =>
  new ShoalError('STORE_UNAVAILABLE', `the group ${group} was removed during the backup`, {
    hint: 'run the same command again',
  })

function* wantedPages(view: GroupView): Generator<WantedPage> {
  const contents = new Map<string, { names: number; chunks: number }>()
  for (const files of pages(view))
    for (const { fileId, size } of files)
      contents.set(fileId, { names: (contents.get(fileId)?.names ?? 0) + 1, chunks: chunkCount(size) })
  for (const [fileId, { names, chunks }] of contents) {
    let first = 0
    do {
      yield { fileId, names, first, count: Math.min(HASHES_PAGE, chunks - first) }
      first += HASHES_PAGE
    } while (first < chunks)
  }
}

function* batches(wanted: Iterable<WantedPage>): Generator<WantedPage[]> {
  let batch: WantedPage[] = []
  let hashes = 0
  for (const page of wanted) {
    if (batch.length === PAGE || hashes + page.count > HASHES_PAGE) {
      yield batch
      batch = []
      hashes = 0
    }
    batch.push(page)
    hashes += page.count
  }
  if (batch.length > 0) yield batch
}

async function* readUser(db: Database, name: string): AsyncGenerator<BackupRecord> {
  const keys = userKeys(name)
  const [record, tokenHashes] = await Promise.all([
    db.ask((redis) => redis.hgetall(keys.record)),
    db.ask((redis) => redis.zrangebyscore(keys.sessions, Date.now(), '+inf')),
  ])
  const read = async (tokenHash: string): Promise<SavedSession[]> => {
    const json = await db.ask((redis) => redis.get(keys.sessionPrefix + tokenHash))
    return json === null ? [] : [{ tokenHash, session: JSON.parse(json) as Session }]
  }
  yield { type: 'user', record, sessions: (await Promise.all(tokenHashes.map(read))).flat() }
}
