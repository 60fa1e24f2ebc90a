import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { connectRedis, type RedisClient } from '../../redis/connect.ts'
import { TestRedis } from '../../testkit/redis-server.ts'
import { backupStore } from '../../tracker-store/backup/backup.ts'
import { restoreStore } from '../../tracker-store/backup/restore.ts'
import { openStore } from '../../tracker-store/open.ts'
import type { Store } from '../../tracker-store/store.ts'
import { TestCluster } from '../support/redis/cluster.ts'
import { type Backend, by, code, makeGroup, newFile } from './store/fixture.ts'

/** Data that Shoal 0.1 wrote, in a store or a backup, is used by the current version. */
const folder = mkdtempSync(join(tmpdir(), 'shoal-schema-'))
const backends: Backend[] = []
afterAll(async () => {
  await Promise.all(backends.map((backend) => backend.stop()))
  rmSync(folder, { recursive: true })
})

async function started(start: () => Promise<Backend> = TestRedis.start): Promise<Backend> {
  const backend = await start()
  backends.push(backend)
  return backend
}

async function withStore(backend: Backend, work: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore({ redis: backend.url, replicaId: 'a' })
  await work(store).finally(() => store.close())
}

async function withRedis<T>(backend: Backend, work: (redis: RedisClient) => Promise<T>): Promise<T> {
  const redis = connectRedis(backend.url, 'queue')
  return work(redis).finally(() => redis.disconnect())
}

const GROUPS = ['One', 'two', 'three']
const schemaOf = (backend: Backend) => withRedis(backend, (redis) => redis.get('{shoal}:schema'))

/** A store as schema 1 has it: only the newest versions, and no index of names. */
async function fillAsBefore(backend: Backend): Promise<void> {
  await withStore(backend, async (store) => {
    for (const group of GROUPS) {
      await makeGroup(store, group, 'ann')
      const many = Array.from({ length: 1200 }, (_, i) => newFile(`dir/${i}`, `${i}`))
      await store.groups.publish(by('ann'), group, [newFile('app/bin/x'), newFile('tool'), ...many])
    }
  })
  await withRedis(backend, async (redis) => {
    for (const group of GROUPS) await redis.del(`{g:${group.toLowerCase()}}:names`)
    await redis.set('{shoal}:schema', 1)
  })
}

/** The names above and below files are known, and the next version keeps the one that was there. */
async function expectCurrent(store: Store): Promise<void> {
  const publish = (group: string, name: string, content = name) =>
    store.groups.publish(by('ann'), group, [newFile(name, content)])
  for (const group of GROUPS) {
    for (const name of ['app', 'app/bin', 'dir', 'tool/x'])
      await expect(publish(group, name)).rejects.toEqual(code('NAME_CONFLICT'))
    await publish(group, 'tool', 'newer')
    const versions = await store.versions.list(group, 'tool', 10)
    expect(versions?.map(({ version, fileId }) => [version, fileId])).toEqual([
      [2, newFile('', 'newer').fileId],
      [1, newFile('', 'tool').fileId],
    ])
    expect((await store.versions.tag(by('ann'), group, 'tool', 1, 'stable')).tag.version).toBe(1)
  }
}

const kinds: [string, () => Promise<Backend>][] = [
  ['a single Redis', TestRedis.start],
  ['a cluster', TestCluster.start],
]
test.each(kinds)(
  'a store of schema 1 on %s is migrated in place by the replicas that start',
  async (_, start) => {
    const backend = await started(start)
    await fillAsBefore(backend)
    await Promise.all(
      ['a', 'b'].map(async (replicaId) => {
        const store = await openStore({ redis: backend.url, replicaId })
        await store.close()
      }),
    )
    expect(await schemaOf(backend)).toBe('2')
    await withStore(backend, expectCurrent)
  },
)

test('a backup does not migrate the store, and holds what a restore needs', async () => {
  const [before, after] = [await started(), await started()]
  await fillAsBefore(before)
  const file = join(folder, 'live')
  const { signal } = new AbortController()
  await backupStore(before.url, file, { force: false, signal })
  expect(await schemaOf(before)).toBe('1')
  await restoreStore(after.url, file, signal)
  await withStore(after, expectCurrent)
})

test('a backup of schema 1 is restored as schema 2', async () => {
  const [before, after] = [await started(), await started()]
  await fillAsBefore(before)
  const file = join(folder, 'backup')
  const { signal } = new AbortController()
  await backupStore(before.url, file, { force: false, signal })
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
  const [header, ...records] = lines.slice(0, -1)
  expect(records.some((line) => /^\{"type":"(versions|tags|tagHistory)"/.test(line))).toBe(false)
  const text = [header!.replace('"schema":2', '"schema":1'), ...records].map((line) => `${line}\n`).join('')
  const end = { ...JSON.parse(lines.at(-1)!), sha256: createHash('sha256').update(text).digest('hex') }
  const old = join(folder, 'backup-1')
  writeFileSync(old, gzipSync(`${text}${JSON.stringify(end)}\n`))
  await restoreStore(after.url, old, signal)
  expect(await schemaOf(after)).toBe('2')
  await withStore(after, expectCurrent)
})
