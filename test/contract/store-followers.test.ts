import type { GroupEvent } from '../../protocol/records.ts'
import { TestRedis } from '../../testkit/redis-server.ts'
import { until } from '../../testkit/until.ts'
import { openStore } from '../../tracker-store/open.ts'
import type { Store } from '../../tracker-store/store.ts'
import { by, makeGroup } from './store/fixture.ts'

const FOLLOWERS = 200

describe('many followers of one group', () => {
  let redis: TestRedis
  let followed: Store
  let other: Store
  const heard: GroupEvent[] = []
  const received: GroupEvent[][] = []
  const aborter = new AbortController()
  const ended: Promise<void>[] = []

  const collect = async (events: GroupEvent[]): Promise<void> => {
    for await (const event of followed.groups.events('team', 0, aborter.signal)) events.push(event)
  }

  beforeAll(async () => {
    redis = await TestRedis.start()
    followed = await openStore({ redis: redis.url, replicaId: 'followed' })
    other = await openStore({ redis: redis.url, replicaId: 'other' })
    await makeGroup(other, 'team', 'ann')
    await followed.groups.view('team')
    followed.groups.onEvent((event) => heard.push(event))
    for (let i = 0; i < FOLLOWERS; i++) {
      const events: GroupEvent[] = []
      received.push(events)
      ended.push(collect(events))
    }
    await until(() => received.every((events) => events.length === 1))
  })
  afterAll(async () => {
    aborter.abort()
    await Promise.all(ended)
    await Promise.all([followed?.close(), other?.close()])
    await redis?.stop()
  })

  const rangeReads = async (): Promise<number> => {
    const stats = await redis.ask((raw) => raw.info('commandstats'))
    return Number(/cmdstat_xrange:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }

  test('a published event is parsed once for all of them', async () => {
    await other.groups.request(by('bob'), 'team')
    await until(() => received.every((events) => events.length === 2))
    expect(new Set(received.map(([, event]) => event)).size).toBe(1)
    expect(heard.map(({ type }) => type)).toEqual(['member.requested'])
  })

  test('lost messages cost one read of the stream, not one per follower', async () => {
    const before = await rangeReads()
    await redis.ask((raw) => raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
    await other.groups.request(by('cleo'), 'team')
    await until(() => received.every((events) => events.length === 3))
    expect(new Set(received.map((events) => events.map(({ revision }) => revision).join())).size).toBe(1)
    // The reconnect and a check at the same time may each cause a read.
    expect((await rangeReads()) - before).toBeLessThanOrEqual(4)
  })
})
