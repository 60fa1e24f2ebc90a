import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { connectRedis, masters } from '../../redis/connect.ts'
import { TestRedis } from '../../testkit/redis-server.ts'
import { backupStore } from '../../tracker-store/backup/backup.ts'
import { restoreStore } from '../../tracker-store/backup/restore.ts'
import { REVISION_LEAP } from '../../tracker-store/backup/write-store.ts'
import type { GroupKeys, UserKeys } from '../../tracker-store/keys.ts'
import { openStore } from '../../tracker-store/open.ts'
import type { Store } from '../../tracker-store/store.ts'
import { TestCluster } from '../support/redis/cluster.ts'
import { type Backend, by, code, makeGroup, newFile, replicaInfo } from './store/fixture.ts'

/** The treatment of every kind of key in a backup. A new kind does not compile until it is listed here. */
type Fate = 'saved' | 'leaps ahead' | 'left out'
const GROUP_FATES: Record<keyof GroupKeys, Fate> = {
  revision: 'leaps ahead',
  stream: 'left out',
  meta: 'saved',
  members: 'saved',
  requests: 'saved',
  files: 'saved',
  content: 'saved',
  names: 'saved',
  versions: 'saved',
  tags: 'saved',
  tagHistory: 'saved',
  hashesPrefix: 'saved',
  stagedPrefix: 'left out',
  channel: 'left out',
}
const USER_FATES: Record<keyof UserKeys, Fate> = {
  record: 'saved',
  sessions: 'saved',
  sessionPrefix: 'saved',
}
const LEFT_OUT = /^\{[gu]:[^}]*\}:(stream$|staged:|idem:)|^\{(p|presence):|^\{replicas\}|^\{shoal\}:/

const folder = mkdtempSync(join(tmpdir(), 'shoal-backup-'))
const backends: Backend[] = []
afterAll(async () => {
  await Promise.all(backends.map((backend) => backend.stop()))
  rmSync(folder, { recursive: true })
})

let files = 0
const newPath = (): string => join(folder, `backup-${++files}`)
const signal = new AbortController().signal
const backup = (from: Backend, file: string, force = false) => backupStore(from.url, file, { force, signal })
const restore = (file: string, into: Backend) => restoreStore(into.url, file, signal)

async function started(start: () => Promise<Backend> = TestRedis.start): Promise<Backend> {
  const backend = await start()
  backends.push(backend)
  return backend
}

async function withStore(backend: Backend, work: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore({ redis: backend.url, replicaId: 'a' })
  await work(store).finally(() => store.close())
}

const LONG = { fileId: createHash('sha256').update('long').digest('hex'), chunks: 40_000 }
const LONG_HASHES = randomBytes(LONG.chunks * 32)

/** Users, sessions, requests, roles, versions, one content under two names, long and empty files, a removed group. */
async function fill(store: Store): Promise<void> {
  const expires = new Date(Date.now() + 3_600_000).toISOString()
  for (const user of ['Ann', 'bob', 'constructor']) {
    await store.users.create(by(user), { user, passwordHash: `hash of ${user}` })
    await store.sessions.create(by(user), { tokenHash: `token of ${user}`, expires, scope: 'write' })
  }
  await makeGroup(store, 'Team', 'Ann', 'bob', 'constructor')
  await store.groups.promote(by('Ann'), 'Team', 'bob')
  await store.groups.request(by('eve'), 'Team')
  await store.groups.publish(by('Ann'), 'Team', [
    newFile('a', 'same'),
    newFile('b/ü"\u2028', 'same'),
    newFile('c', 'old'),
  ])
  await store.groups.publish(by('bob'), 'Team', [newFile('c', 'new'), newFile('b/ü"\u2028', 'new')])
  await store.versions.tag(by('bob'), 'Team', 'c', 1, 'stable')
  await store.versions.tag(by('bob'), 'Team', 'b/ü"\u2028', 2, 'stable')
  await store.versions.tag(by('bob'), 'Team', 'b/ü"\u2028', 1, 'stable')
  await store.versions.tag(by('bob'), 'Team', 'b/ü"\u2028', 2, 'edge')
  await store.groups.publish(by('bob'), 'Team', [newFile('empty', 'empty', 0)])
  for (let i = 0; i < LONG.chunks; i += 10_000)
    await store.hashes.stage('Team', 'bob', LONG.fileId, i, LONG_HASHES.subarray(i * 32, (i + 10_000) * 32))
  const size = LONG.chunks * CHUNK_SIZE
  const stamp = (await store.hashes.stamp('Team', 'bob', LONG.fileId)) ?? ''
  await store.groups.publish(by('bob'), 'Team', [{ name: 'long', fileId: LONG.fileId, size, stamp }])
  await makeGroup(store, 'large', 'Ann')
  for (let i = 0; i < 3; i++) {
    const page = Array.from({ length: 700 }, (_, j) => newFile(`file-${i}-${j}`))
    await store.groups.publish(by('Ann'), 'large', page)
  }
  await makeGroup(store, 'gone', 'Ann')
  await store.groups.leave(by('Ann'), 'gone')
  const created = new Date().toISOString()
  for (const kid of ['one', 'two']) await store.keys.rotate({ kid, privateKey: `PEM ${kid}`, created }, 0)
}

/** Every key that a backup covers, with its value and whether it expires. */
async function dump({ url }: Backend): Promise<Map<string, unknown>> {
  const redis = connectRedis(url, 'queue')
  await redis.ping()
  const keys = (await Promise.all(masters(redis).map((node) => node.keys('*')))).flat().sort()
  const entries = keys
    .filter((key) => !LEFT_OUT.test(key))
    .map(async (key) => [key, await valueIn(redis, key), (await redis.pttl(key)) > 0] as const)
  const found = await Promise.all(entries)
  redis.disconnect()
  // Hashes without a name stay for a day, for running downloads.
  const kept = found.filter(([key, , expires]) => !(key.includes(':hashes:') && expires))
  return new Map(kept.map(([key, ...rest]) => [key, rest]))
}

async function valueIn(redis: ReturnType<typeof connectRedis>, key: string): Promise<unknown> {
  const parsed = (text: string): unknown => (text.startsWith('{') ? JSON.parse(text) : text)
  switch (await redis.type(key)) {
    case 'hash':
      return new Map(Object.entries(await redis.hgetall(key)).map(([name, text]) => [name, parsed(text)]))
    case 'set':
      return (await redis.smembers(key)).sort()
    case 'zset':
      return (await redis.zrange(key, 0, '-1', 'WITHSCORES')).map((row) => [
        row.replace(/[^\n]*$/, ''),
        parsed(/[^\n]*$/.exec(row)![0]),
      ])
    case 'list':
      return (await redis.lrange(key, 0, -1)).map(parsed)
    default:
      if (!key.includes(':hashes:')) return parsed((await redis.get(key)) ?? '')
      return createHash('sha256')
        .update((await redis.getBuffer(key)) ?? '')
        .digest('hex')
  }
}

test('every kind of key in Redis is listed as saved, shifted or left out of backups', () => {
  expect(Object.values({ ...GROUP_FATES, ...USER_FATES })).not.toContain(undefined)
})

describe('a filled store', () => {
  let full: Backend
  let empty: Backend
  let file: string
  beforeAll(async () => {
    ;[full, empty] = [await started(), await started()]
    await withStore(full, fill)
    file = newPath()
    expect(await backup(full, file)).toEqual({ users: 3, sessions: 3, groups: 2, files: 2105 })
  })

  test.each<[string, () => Promise<Backend>]>([
    ['one Redis', TestRedis.start],
    ['a Cluster', () => TestCluster.start()],
  ])('is restored completely on %s, with revisions newer than any client has seen', async (_, start) => {
    const empty = await started(start)
    expect(await restore(file, empty)).toEqual({ users: 3, sessions: 3, groups: 2, files: 2105 })
    const [before, after] = [await dump(full), await dump(empty)]
    for (const [key, [revision]] of before as Map<string, [string, boolean]>)
      if (key.endsWith(':revision')) before.set(key, [String(Number(revision) + REVISION_LEAP), false])
    expect(after).toEqual(before)
    await withStore(empty, async (store) => {
      const view = await store.groups.view('Team', 500)
      expect(view).toMatchObject({ owner: 'Ann', created: expect.any(String) })
      expect(view?.files.get('c')).toMatchObject({ version: 2, uploader: 'bob' })
      expect([...view!.requests.values()].map(({ user }) => user)).toEqual(['eve'])
      expect((await store.sessions.get('Ann', 'token of Ann'))?.scope).toBe('write')
      expect(LONG_HASHES.equals(await store.hashes.read('Team', LONG.fileId, 0, 50_000))).toBe(true)
      const { revision } = await store.groups.accept(by('bob'), 'Team', ['eve'])
      expect(revision).toBe(view!.revision + 1)
      expect((await store.groups.create(by('bob'), 'gone')).revision).toBe(REVISION_LEAP + 3)
      await store.groups.removeFile(by('Ann'), 'Team', 'a')
      // Still the content of an older version of another name.
      const { fileId } = newFile('', 'same')
      expect(await store.versions.contents('Team', [fileId])).toEqual(new Set([fileId]))
      expect((await store.hashes.read('Team', fileId, 0, 1)).length).toBe(32)
      expect((await store.versions.list('Team', 'c', 9))?.map(({ version }) => version)).toEqual([2, 1])
    })
    const again = newPath()
    await backup(empty, again)
    expect(readLines(again).length).toBe(readLines(file).length)
  })

  test('only its owner can read the backup file', () => {
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('an existing file is replaced only with force', async () => {
    const path = newPath()
    writeFileSync(path, 'precious')
    await expect(backup(full, path)).rejects.toEqual(code('PATH_IN_THE_WAY'))
    expect(readFileSync(path, 'utf8')).toBe('precious')
    await backup(full, path, true)
    expect(readLines(path).length).toBe(readLines(file).length)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('an interrupted backup leaves no file', async () => {
    const path = newPath()
    const stopped = backupStore(full.url, path, {
      force: false,
      signal: AbortSignal.abort(new Error('stopped')),
    })
    await expect(stopped).rejects.toThrow('stopped')
    expect(readdirSync(folder).filter((name) => path.endsWith(name.split('.')[0]!))).toEqual([])
  })

  test('a restore refuses a store that has users or groups', async () => {
    const before = await dump(full)
    await expect(restore(file, full)).rejects.toEqual(code('STORE_NOT_EMPTY'))
    expect(await dump(full)).toEqual(before)
  })

  test('a restore refuses a store that a tracker uses', async () => {
    const used = await started()
    await withStore(used, async (store) => {
      await store.replicas.join(() => replicaInfo('a'))
      await expect(restore(file, used)).rejects.toEqual(code('ALREADY_RUNNING'))
    })
    await restore(file, used)
  })

  const readLines = (path: string): string[] =>
    gunzipSync(readFileSync(path)).toString().trimEnd().split('\n')
  const written = (lines: string[], newline = '\n'): Buffer => gzipSync(lines.join('\n') + newline)

  const damages: [string, string, (whole: Buffer, lines: string[]) => Buffer][] = [
    ['truncated in the middle', 'BACKUP_INVALID', (whole) => whole.subarray(0, whole.length / 2)],
    ['truncated by one byte', 'BACKUP_INVALID', (whole) => whole.subarray(0, -1)],
    ['without its last line', 'BACKUP_INVALID', (_, lines) => written(lines.slice(0, -1))],
    ['with a line missing', 'BACKUP_INVALID', (_, lines) => written(lines.toSpliced(3, 1))],
    ['that ends within a line', 'BACKUP_INVALID', (_, lines) => written(lines.slice(0, 4), '')],
    [
      'with a changed name',
      'BACKUP_INVALID',
      (_, lines) => written(lines.map((l) => l.replace('"bob"', '"eva"'))),
    ],
    ['with data after its end', 'BACKUP_INVALID', (_, lines) => written([...lines, lines[2]!])],
    ['of another format', 'BACKUP_INVALID', () => written(['{"hello":"world"}'])],
    ['that is not gzip', 'BACKUP_INVALID', () => Buffer.from('hello')],
    ['that is empty', 'BACKUP_INVALID', () => Buffer.alloc(0)],
    [
      'of a newer format',
      'SCHEMA_TOO_NEW',
      (_, lines) => written(lines.map((l) => l.replace('"version":1,"schema"', '"version":2,"schema"'))),
    ],
    [
      'of a newer schema',
      'SCHEMA_TOO_NEW',
      (_, lines) => written(lines.map((l) => l.replace('"schema":2', '"schema":3'))),
    ],
  ]
  test.each(damages)('a backup %s is refused with %s, and nothing is written', async (_, refusal, damage) => {
    const path = newPath()
    writeFileSync(path, damage(readFileSync(file), readLines(file)))
    await expect(restore(path, empty)).rejects.toEqual(code(refusal))
    expect((await dump(empty)).size).toBe(0)
  })

  test('after an interrupted restore no tracker starts until the same file is restored again', async () => {
    const cut = await started()
    const stop = new AbortController()
    const raw = connectRedis(cut.url, 'queue')
    const watching = (async () => {
      while ((await raw.keys('{g:large}:files')).length === 0);
      stop.abort(new Error('stopped'))
    })()
    await expect(restoreStore(cut.url, file, stop.signal)).rejects.toThrow('stopped')
    await watching
    raw.disconnect()
    await expect(openStore({ redis: cut.url, replicaId: 'a' })).rejects.toEqual(code('RESTORE_UNFINISHED'))
    await expect(backup(cut, newPath())).rejects.toEqual(code('RESTORE_UNFINISHED'))
    const other = newPath()
    await backup(full, other)
    await expect(restore(other, cut)).rejects.toEqual(code('STORE_NOT_EMPTY'))
    await restore(file, cut)
    expect([...(await dump(cut)).keys()]).toEqual([...(await dump(full)).keys()])
    await withStore(cut, async (store) => expect(await store.groups.count()).toBe(2))
  })
})

test('an empty store can be backed up', async () => {
  const [from, into, file] = [await started(), await started(), newPath()]
  const nothing = { users: 0, sessions: 0, groups: 0, files: 0 }
  expect(await backup(from, file)).toEqual(nothing)
  expect(await restore(file, into)).toEqual(nothing)
})

test('each group is saved at one revision while it keeps changing', async () => {
  const from = await started()
  await withStore(from, async (store) => {
    await makeGroup(store, 'busy', 'ann')
    for (let i = 0; i < 10; i++)
      await store.groups.publish(
        by('ann'),
        'busy',
        Array.from({ length: 500 }, (_, j) => newFile(`${i}-${j}`)),
      )
    let saving = true
    const file = newPath()
    const saved = backup(from, file).finally(() => {
      saving = false
    })
    // Two names always change together, so that a mixture of revisions would show.
    for (let i = 0; saving; i++)
      await store.groups.publish(by('ann'), 'busy', [newFile('left', `${i}`), newFile('right', `${i}`)])
    await saved
    const into = await started()
    await restore(file, into)
    await withStore(into, async (restored) => {
      const view = await restored.groups.view('busy')
      expect(view?.files.get('left')?.version).toBe(view?.files.get('right')?.version)
      expect(view!.revision - REVISION_LEAP).toBe(5001 + 2 * (view!.files.get('left')?.version ?? 0))
      expect(await restored.hashes.has('busy', view!.files.get('left')!.fileId)).toBe(true)
    })
  })
})
