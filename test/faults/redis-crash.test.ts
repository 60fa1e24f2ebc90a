import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectRedis } from '../../redis/connect.ts'
import { until } from '../../testkit/until.ts'
import { lostWrites, WriteLoad } from '../../testkit/write-load.ts'
import { type RunningTracker, startTracker } from '../../tracker/start.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { FULL, faultTest, rounded } from '../support/faults/faults.ts'
import { PASSWORD } from '../support/tracker-fleet.ts'

const KILLS = FULL ? 20 : 3
const CLIENTS = 16

faultTest('SIGKILL of the embedded Redis under load loses no acknowledged write', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'shoal-crash-'))
  const trackers: RunningTracker[] = []
  const add = async (): Promise<RunningTracker> => {
    const listen = { host: '127.0.0.1', port: 0 }
    const tracker = await startTracker({ listen, dataFolder, log: 'silent' })
    trackers.push(tracker)
    return tracker
  }
  try {
    const { redis } = await add()
    await add()
    const owner = clientOf(trackers[0]!)
    await owner.register('owner', PASSWORD)
    const { token } = await owner.login('owner', PASSWORD)
    await owner.createGroup('team')
    const writers = Array.from({ length: CLIENTS }, (_, i) => clientOf(trackers[i % 2]!, token))
    const load = new WriteLoad(writers, 'team', 1000)
    for (let kill = 0; kill < KILLS; kill++) {
      const target = load.acknowledged.length + (FULL ? 500 : 200)
      await until(() => load.acknowledged.length >= target, 30_000)
      process.kill(await serverPid(redis), 'SIGKILL')
    }
    await load.stop()
    for (const error of load.errors) expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await until(() => isReady(trackers[0]!))
    await add()
    for (const tracker of trackers) {
      await until(() => isReady(tracker))
      expect(await lostWrites(clientOf(tracker, token), 'team', load)).toEqual([])
    }
    const [acknowledged, refused] = [load.acknowledged.length, load.errors.length]
    return { kills: KILLS, acknowledged, lost: 0, refused, slowestMs: rounded(load.slowestMs) }
  } finally {
    for (const tracker of trackers) await tracker.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
})

const clientOf = ({ url }: RunningTracker, token: string | null = null): TrackerClient =>
  new TrackerClient({ trackers: [url], token })

const isReady = async ({ url }: RunningTracker): Promise<boolean> => (await fetch(`${url}/readyz`)).ok

/** The process id of the running Redis. */
async function serverPid(url: string): Promise<number> {
  const redis = connectRedis(url, 'queue')
  const info = await redis.info('server')
  redis.disconnect()
  return Number(/process_id:(\d+)/.exec(info)?.[1])
}
