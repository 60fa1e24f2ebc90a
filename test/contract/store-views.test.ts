import { TestRedis } from '../../testkit/redis-server.ts'
import { until } from '../../testkit/until.ts'
import { openStore } from '../../tracker-store/open.ts'
import type { Store } from '../../tracker-store/store.ts'
import { by, makeGroup, newFile } from './store/fixture.ts'

describe('groups in memory', () => {
  let redis: TestRedis
  let small: Store
  let other: Store

  beforeAll(async () => {
    redis = await TestRedis.start()
    // Room for three groups of one member each.
    small = await openStore({ redis: redis.url, replicaId: 'small', viewRecords: 3 * 17 })
    other = await openStore({ redis: redis.url, replicaId: 'other' })
  })
  afterAll(async () => {
    await Promise.all([small?.close(), other?.close()])
    await redis?.stop()
  })

  const followed = async (): Promise<unknown> =>
    (await redis.ask((raw) => raw.call('PUBSUB', 'CHANNELS', '{g:*') as Promise<string[]>)).sort()

  test('recently used groups stay in memory; others are dropped and come back current', async () => {
    for (const group of ['a', 'b', 'c', 'd']) await makeGroup(other, group, 'ann')
    for (const group of ['a', 'b', 'c', 'a', 'd']) expect((await small.groups.view(group))?.revision).toBe(1)
    await until(async () => String(await followed()) === '{g:a}:events,{g:c}:events,{g:d}:events')
    await other.groups.publish(by('ann'), 'b', [newFile('late')])
    expect(await small.groups.view('b')).toMatchObject({ revision: 2, files: { size: 1 } })
    expect(await small.ready()).toBe(true)
  })

  test('a group larger than the cache is answered but not kept', async () => {
    await makeGroup(other, 'large', 'ann')
    const files = Array.from({ length: 60 }, (_, i) => newFile(`file-${i}`))
    await other.groups.publish(by('ann'), 'large', files)
    expect((await small.groups.view('large'))?.files.size).toBe(60)
    await other.groups.publish(by('ann'), 'large', [newFile('another')])
    expect((await small.groups.view('large'))?.files.size).toBe(61)
    await until(async () => !String(await followed()).includes('large'))
  })
})
