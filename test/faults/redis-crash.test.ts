import type { TrackerClient } from '../../tracker/client/client.ts'
import { FULL, faultTest, rounded } from '../support/faults.ts'
import { TestFleet } from '../support/tracker-fleet.ts'
import { until } from '../support/until.ts'
import { lostWrites, WriteLoad } from '../support/write-load.ts'

const KILLS = FULL ? 20 : 3
const CLIENTS = 16

faultTest('row 21: SIGKILL of Redis under load loses no acknowledged write', async () => {
  const fleet = await TestFleet.start(2)
  try {
    const owner = await fleet.user('owner')
    await owner.createGroup('team')
    const load = new WriteLoad(clients(fleet, owner), 'team', 1000)
    for (let kill = 0; kill < KILLS; kill++) {
      const target = load.acknowledged.length + (FULL ? 500 : 200)
      await until(() => load.acknowledged.length >= target, 30_000)
      await fleet.redis.kill()
      await fleet.redis.start()
    }
    await load.stop()
    for (const error of load.errors) expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await fleet.add()
    for (const replica of [0, 1, 2]) {
      const client = fleet.anonymous(replica)
      client.token = owner.token
      await until(async () => (await fetch(`${fleet.trackers[replica]?.url}/readyz`)).ok)
      expect(await lostWrites(client, 'team', load)).toEqual([])
    }
    const refused = load.errors.length
    return {
      kills: KILLS,
      acknowledged: load.acknowledged.length,
      lost: 0,
      refused,
      slowestMs: rounded(load.slowestMs),
    }
  } finally {
    await fleet.stop()
  }
})

function clients(fleet: TestFleet, owner: TrackerClient): TrackerClient[] {
  return Array.from({ length: CLIENTS }, (_, i) => {
    const client = fleet.anonymous(i % 2)
    client.token = owner.token
    return client
  })
}
