import { type ExtentJob, ExtentQueue } from '../../../../peer/download/extent-queue.ts'
import { connectRedis } from '../../../../redis/connect.ts'
import { TestRedis } from '../../../support/redis-server.ts'
import { until } from '../../../support/until.ts'

/** More than a process takes at once. */
const EXTENTS = 80
let redis: TestRedis
beforeAll(async () => {
  redis = await TestRedis.start()
})
afterAll(() => redis.stop())

function job(first: number): ExtentJob {
  const target = { peer: 'ab'.repeat(32), host: '127.0.0.1', port: 1, tls: true }
  return {
    download: 'one',
    assignment: { peer: target.peer, extent: { first, count: 1 }, startedAt: 0 },
    work: { path: '/nowhere', fileId: 'cd'.repeat(32), size: EXTENTS, target, grant: '', hashes: '' },
  }
}

test('a process that is slow to begin its extents does not take them for another’s, and follows no events', async () => {
  const connection = connectRedis(redis.url, 'queue')
  const options = { connection, prefix: '{test}' }
  const release = Promise.withResolvers<void>()
  const begun: number[] = []
  const queue = new ExtentQueue(redis.url, options, {
    fetch: async ({ assignment }) => {
      begun.push(assignment.extent.first)
      await release.promise
    },
    fetchedElsewhere: () => {},
  })
  const connections = async (): Promise<number> =>
    redis.ask(
      async (client) =>
        String(await client.call('CLIENT', 'LIST'))
          .trim()
          .split('\n').length,
    )
  try {
    await queue.start()
    for (let first = 0; first < EXTENTS; first++) await queue.add(job(first))
    await until(() => begun.length === 64)
    const before = await connections()
    // Where the queue has the oldest that is not begun: it is asked now and then.
    await until(async () => /cmdstat_lpos:/.test(await redis.ask((client) => client.info('commandstats'))))
    await queue.count()
    expect(begun).toHaveLength(64)
    expect(await connections()).toBe(before)
    release.resolve()
    await until(() => begun.length === EXTENTS)
    await queue.settle('one')
  } finally {
    release.resolve()
    await queue.close()
    connection.disconnect()
  }
})
