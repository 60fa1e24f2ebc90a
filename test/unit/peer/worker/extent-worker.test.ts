import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { queuePrefix } from '../../../../peer/download/queue/download-queue.ts'
import { workersKey } from '../../../../peer/download/queue/extent-queue.ts'
import { startWorker } from '../../../../peer/worker/worker.ts'
import { TestRedis } from '../../../../testkit/redis-server.ts'
import { until } from '../../../../testkit/until.ts'

let redis: TestRedis
let home: string
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'shoal-worker-'))
  redis = await TestRedis.start()
})
afterEach(async () => {
  await redis.stop()
  rmSync(home, { recursive: true })
})

test('a worker whose Redis refuses writes logs each kind of failure once, and goes on when it accepts them', async () => {
  const logged: string[] = []
  const worker = await startWorker({ home, queue: redis.url, warn: (message) => logged.push(message) })
  try {
    const key = workersKey(queuePrefix(worker.peer))
    const isSeen = async (): Promise<boolean> => (await redis.ask((client) => client.exists(key))) === 1
    expect(await isSeen()).toBe(true)

    await redis.ask((client) => client.config('SET', 'maxmemory', '1'))
    await until(async () => !(await isSeen()), 10_000)
    const presence = logged.filter((line) => line.startsWith('renewing its presence failed'))
    expect(presence).toEqual([expect.stringContaining('the peer may leave it nothing to fetch: OOM')])

    await redis.ask((client) => client.config('SET', 'maxmemory', '0'))
    await until(isSeen)
    expect(new Set(logged.map((line) => line.split(' failed')[0])).size).toBe(logged.length)
  } finally {
    const before = logged.length
    await worker.stop()
    expect(logged.length).toBe(before)
  }
}, 30_000)
