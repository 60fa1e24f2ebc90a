import { Queue } from 'bullmq'
import { LocalWorker } from '../../../../../peer/download/queue/local-worker.ts'
import { connectRedis } from '../../../../../redis/connect.ts'
import { TestRedis } from '../../../../../testkit/redis-server.ts'
import { until } from '../../../../../testkit/until.ts'

const LOCK_MS = 200

let redis: TestRedis
beforeEach(async () => {
  redis = await TestRedis.start()
})
afterEach(() => redis.stop())

/** A queue and a worker with short locks. A job ends when `process` does. */
async function withWorker(
  process: (id: string) => Promise<void>,
  act: (add: (id: string) => Promise<unknown>, queue: Queue) => Promise<void>,
): Promise<void> {
  const connection = connectRedis(redis.url, 'queue')
  const options = { connection, prefix: '{test}' }
  const queue = new Queue('jobs', options)
  const worker = new LocalWorker('jobs', {
    ...options,
    process: ({ id }) => process(id!),
    concurrency: 2,
    lockDuration: LOCK_MS,
    stalledInterval: 50,
  })
  await worker.start()
  const add = (id: string): Promise<unknown> => {
    const added = queue.add('job', null, { jobId: id, removeOnComplete: true })
    worker.added()
    return added
  }
  try {
    await act(add, queue)
  } finally {
    await worker.close()
    await queue.close()
    connection.disconnect()
  }
}

test('a job that outlasts its lock is handed out only once', async () => {
  const taken: string[] = []
  const process = async (id: string): Promise<void> => {
    taken.push(id)
    const end = performance.now() + 4 * LOCK_MS
    await until(() => performance.now() > end)
  }
  await withWorker(process, async (add, queue) => {
    await add('long')
    await until(async () => (await queue.getJobCounts('active', 'wait')).active === 1)
    await until(async () => (await queue.getActiveCount()) === 0)
  })
  expect(taken).toEqual(['long'])
})

test('a worker continues after it lost a job’s lock', async () => {
  const taken: string[] = []
  const { promise, resolve: release } = Promise.withResolvers<void>()
  const process = async (id: string): Promise<void> => {
    taken.push(id)
    if (id === 'lost') await promise
  }
  await withWorker(process, async (add, queue) => {
    await add('lost')
    await until(() => taken.length === 1)
    await queue.obliterate({ force: true })
    release()
    await add('next')
    await until(() => taken.includes('next'))
  })
})
