import { Worker } from 'bullmq'
import type { ExtentOutcome } from '../../../../../peer/download/queue/extent-outcome.ts'
import {
  EXTENT_QUEUE,
  type ExtentJob,
  ExtentQueue,
  workersKey,
} from '../../../../../peer/download/queue/extent-queue.ts'
import { connectRedis, type RedisClient } from '../../../../../redis/connect.ts'
import { TestRedis } from '../../../../../testkit/redis-server.ts'
import { until } from '../../../../../testkit/until.ts'

/** More extents than a process takes at once. */
const EXTENTS = 80
const PREFIX = '{test}'
let redis: TestRedis
let connection: RedisClient
let queue: ExtentQueue
beforeEach(async () => {
  redis = await TestRedis.start()
})
afterEach(async () => {
  await queue.close()
  connection.disconnect()
  await redis.stop()
})

async function open(): Promise<void> {
  connection = connectRedis(redis.url, 'queue')
  queue = new ExtentQueue(redis.url, { connection, prefix: PREFIX })
  await queue.start()
}

/** Opens a queue whose process holds its extents until `release`. `begun` lists them in order. */
async function openHeld() {
  const { promise, resolve: release } = Promise.withResolvers<void>()
  const begun: number[] = []
  const add = (first: number): Promise<ExtentOutcome | null> =>
    queue.run(job(first), async () => {
      begun.push(first)
      await promise
      return { chunks: [], error: null }
    })
  await open()
  return { begun, release, add }
}

function job(first: number): ExtentJob {
  const target = { peer: 'ab'.repeat(32), host: '127.0.0.1', port: 1, tls: true }
  return {
    download: 'one',
    extent: { first, count: 1 },
    work: { path: '/nowhere', fileId: 'cd'.repeat(32), size: EXTENTS, target, grant: '', hashes: '' },
  }
}

/** Client commands that Redis has executed, without those that a script called. */
async function calls(): Promise<Map<string, number>> {
  const stats = await redis.ask((client) => client.info('commandstats'))
  const found = stats.matchAll(/cmdstat_(evalsha|bzpopmin|xread):calls=(\d+)/g)
  return new Map([...found].map(([, name, count]) => [name!, Number(count)]))
}

async function connections(): Promise<number> {
  const list = await redis.ask((client) => client.call('CLIENT', 'LIST'))
  return String(list).trim().split('\n').length
}

test('a process takes 64 extents at once, the others as those end, and follows no events while it is alone', async () => {
  const { begun, release, add } = await openHeld()
  try {
    for (let first = 0; first < EXTENTS; first++) void add(first)
    await until(() => begun.length === 64)
    const before = await connections()
    // It has looked for other processes twice.
    await until(async () =>
      /cmdstat_exists:calls=([2-9]|\d\d)/.test(await redis.ask((client) => client.info('commandstats'))),
    )
    expect(begun).toHaveLength(64)
    expect(await connections()).toBe(before)
    release()
    await until(() => begun.length === EXTENTS)
    await queue.settle('one')
    expect(begun).toEqual(Array.from({ length: EXTENTS }, (_, i) => i))
  } finally {
    release()
  }
})

test('if each end leads to the next extent, as in a swarm, an extent costs two scripts', async () => {
  const done = Promise.withResolvers<void>()
  let count = 0
  await open()
  const add = (): void => {
    const first = count++
    void queue.run(job(first), async () => {
      if (count === EXTENTS) done.resolve()
      else setImmediate(add)
      return { chunks: [], error: null }
    })
  }
  const before = await calls()
  add()
  await done.promise
  await queue.settle('one')
  const after = await calls()
  const more = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  // The rest: the first extent, and occasional searches for stalled jobs.
  expect(more('evalsha')).toBeLessThan(2.2 * EXTENTS)
  expect(more('bzpopmin') + more('xread')).toBe(0)
})

test('once another process joins, it gets extents and their outcomes come back', async () => {
  const elsewhere: number[] = []
  const { begun: here, release, add } = await openHeld()
  await redis.ask((client) => client.set(workersKey(PREFIX), '1'))
  const other = new Worker<ExtentJob, ExtentOutcome>(
    EXTENT_QUEUE,
    async ({ data }) => ({ chunks: [data.extent.first], error: null }),
    { connection, prefix: PREFIX },
  )
  try {
    for (let first = 0; first < 2 * EXTENTS; first++)
      void add(first).then((outcome) => elsewhere.push(...outcome!.chunks))
    await until(() => elsewhere.length >= 2 * EXTENTS - 64)
    release()
    await until(() => here.length + elsewhere.length === 2 * EXTENTS)
    await queue.settle('one')
    const all = [...here, ...elsewhere].sort((a, b) => a - b)
    expect(all).toEqual(Array.from({ length: 2 * EXTENTS }, (_, i) => i))
  } finally {
    release()
    await other.close()
  }
})

test('an extent of a process that died is processed here when its lock expires', async () => {
  const { begun, release, add } = await openHeld()
  const dying = new Worker(EXTENT_QUEUE, null, { connection, prefix: PREFIX, lockDuration: 1 })
  try {
    for (let first = 0; first < 65; first++) void add(first)
    await until(() => begun.length === 64)
    const taken = await dying.getNextJob('token', { block: false })
    expect(taken?.data).toMatchObject({ extent: { first: 64 } })
    release()
    await until(() => begun.includes(64), 10_000)
    await queue.settle('one')
  } finally {
    release()
    await dying.close(true)
  }
})
