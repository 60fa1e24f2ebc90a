import { readFileSync } from 'node:fs'
import { Queue, QueueEvents } from 'bullmq'
import { Background } from '../../../../packed/background.ts'
import { PartFile } from '../../../../peer/download/disk/part-file.ts'
import { queuePrefix } from '../../../../peer/download/queue/download-queue.ts'
import type { ExtentOutcome } from '../../../../peer/download/queue/extent-outcome.ts'
import { EXTENT_QUEUE, type ExtentJob } from '../../../../peer/download/queue/extent-queue.ts'
import { ExtentWorker } from '../../../../peer/worker/extent-worker.ts'
import { connectRedis, type RedisClient } from '../../../../redis/connect.ts'
import { TestRedis } from '../../../../testkit/redis-server.ts'
import { content } from '../../../support/peer/content.ts'
import { FetchFixture, FILE, honest } from '../../../support/peer/fetch-fixture.ts'

const PEER = 'ab'.repeat(32)
const fixture = new FetchFixture()
let redis: TestRedis
let connection: RedisClient
let events: QueueEvents
let queue: Queue<ExtentJob, ExtentOutcome>
let worker: ExtentWorker
beforeAll(async () => {
  fixture.open()
  redis = await TestRedis.start()
  connection = connectRedis(redis.url, 'queue')
  const options = { connection, prefix: queuePrefix(PEER) }
  queue = new Queue(EXTENT_QUEUE, options)
  events = new QueueEvents(EXTENT_QUEUE, { ...options, connection: connectRedis(redis.url, 'queue') })
  await events.waitUntilReady()
  worker = new ExtentWorker(redis.url, PEER, fixture.pool, new Background(() => {}))
  await worker.start()
})
afterAll(async () => {
  await worker.close()
  await events.close()
  ;(events.opts.connection as RedisClient).disconnect()
  await queue.close()
  connection.disconnect()
  await redis.stop()
  await fixture.close()
})

/** Has the worker fetch all of FILE into the part file of `path`. */
async function work(path: string): Promise<ExtentOutcome> {
  const target = await fixture.serve(honest)
  const hashes = FILE.hashes.toString('base64')
  const job = await queue.add('extent', {
    download: 'one',
    extent: { first: 0, count: 4 },
    work: { path: `${path}.shoal-part`, fileId: FILE.fileId, size: FILE.size, target, grant: 'g', hashes },
  })
  return job.waitUntilFinished(events, 10_000)
}

test('a worker writes the chunks of its extent to the part file of that content', async () => {
  const path = `${fixture.folder}/right`
  const [part] = await PartFile.open(path, FILE.fileId, FILE.size)
  expect(await work(path)).toEqual({ chunks: [0, 1, 2, 3], error: null })
  expect(readFileSync(`${path}.shoal-part`).equals(FILE.data)).toBe(true)
  await part.close()
})

test('a worker that took a job before another content got the path writes nothing', async () => {
  const path = `${fixture.folder}/other`
  const other = content(FILE.size, 9)
  const [part] = await PartFile.open(path, other.fileId, other.size)
  expect(await work(path)).toMatchObject({ chunks: [], error: { code: 'FILE_CHANGED', at: 'write' } })
  expect(readFileSync(`${path}.shoal-part`).equals(Buffer.alloc(FILE.size))).toBe(true)
  await part.close()
})
