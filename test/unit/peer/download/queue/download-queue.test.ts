import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import {
  DownloadQueue,
  type QueuedDownload,
  type RunDownload,
} from '../../../../../peer/download/queue/download-queue.ts'
import { TestRedis } from '../../../../../testkit/redis-server.ts'

const MODULE = join(import.meta.dirname, '../../../../../peer/download/queue/download-queue.ts')
const PEER = 'peer'

let redis: TestRedis
beforeEach(async () => {
  redis = await TestRedis.start()
})
afterEach(() => redis.stop())

/** Queues a download in a process of its own, and kills the process while the download runs. */
async function leaveRunning(run: string): Promise<void> {
  const script = `
    import { DownloadQueue } from ${JSON.stringify(MODULE)}
    const run = () => { process.stdout.write('running'); return new Promise(() => {}) }
    const queue = await DownloadQueue.open(${JSON.stringify(redis.url)}, '${PEER}', run)
    await queue.add({ run: '${run}', epoch: 'earlier', job: { id: 'file' } })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a download whose process died runs again in the next process, before its lock expires', async () => {
  await leaveRunning('first')
  const { promise, resolve } = Promise.withResolvers<QueuedDownload>()
  const run: RunDownload = (queued) => {
    resolve(queued)
    return Promise.resolve('done')
  }
  const opened = performance.now()
  const queue = await DownloadQueue.open(redis.url, PEER, run)
  try {
    expect(await promise).toMatchObject({ run: 'first', epoch: 'earlier', job: { id: 'file' } })
    expect(performance.now() - opened).toBeLessThan(10_000)
  } finally {
    await queue.close()
  }
})
