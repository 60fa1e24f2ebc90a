import { chunkCount, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { FileRecord } from '../../protocol/records.ts'
import { RedisKeys } from '../accounts/signing-keys.ts'
import type { Database } from '../database.ts'
import type { GroupView } from '../groups/group-view.ts'
import { RedisHashes } from '../groups/hashes.ts'
import { loadSnapshot } from '../groups/snapshot.ts'
import { groupKeys, userKeys } from '../keys.ts'
import { scanNames } from '../scan-names.ts'
import type { Session } from '../store.ts'
import type { BackupRecord, HashPage, SavedSession } from './format.ts'
import { readVersions } from './read-versions.ts'

/** Records per line. */
const PAGE = 500
/** Hashes per line: 1 MiB. */
const HASHES_PAGE = 32_768

/**
 * All durable data, group by group, each at one revision. Groups come before users: a user who registers and joins
 * during the backup must not become a member without an account, whose name somebody else could take.
 * Throws STORE_UNAVAILABLE.
 */
export async function* readStore(db: Database): AsyncGenerator<BackupRecord> {
  for await (const group of scanNames(db, groupKeys('*').revision)) yield* readGroup(db, group)
  for await (const user of scanNames(db, userKeys('*').record)) yield* readUser(db, user)
  yield { type: 'keys', keys: await new RedisKeys(db).list() }
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
  const contents: Contents = new Map()
  const count = ({ fileId, size }: FileRecord): void => {
    contents.set(fileId, { names: (contents.get(fileId)?.names ?? 0) + 1, chunks: chunkCount(size) })
  }
  for (const files of pages(view)) {
    yield { type: 'files', group, files }
    for (const file of files) count(file)
  }
  yield* readVersions(db, view, count)
  yield* readHashes(db, group, contents)
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

/** By file id: how many versions have this content, and its number of chunks. */
type Contents = Map<string, { names: number; chunks: number }>

async function* readHashes(db: Database, group: string, contents: Contents): AsyncGenerator<BackupRecord> {
  const hashes = new RedisHashes(db)
  const read = async ({ fileId, names, first, count }: WantedPage): Promise<HashPage> => {
    const packed = await hashes.read(group, fileId, first, count)
    if (packed.length !== count * HASH_SIZE) throw gone(group)
    return { fileId, names, first, hashes: packed.toString('base64') }
  }
  for (const batch of batches(wantedPages(contents)))
    yield { type: 'hashes', group, pages: await Promise.all(batch.map(read)) }
}

/** The hashes of a removed group go at once; those of a replaced file stay for a day. */
const gone = (group: string): ShoalError =>
  new ShoalError('STORE_UNAVAILABLE', `the group ${group} was removed during the backup`, {
    hint: 'run the same command again',
  })

function* wantedPages(contents: Contents): Generator<WantedPage> {
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
