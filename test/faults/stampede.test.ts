import { Library, type ServedFile } from '../../peer/serve/library.ts'
import { Announcer } from '../../peer/tracker-link/announcer.ts'
import { Bitmap } from '../../protocol/bitmap.ts'
import { sha256 } from '../../protocol/merkle.ts'
import { TestRedis } from '../../testkit/redis-server.ts'
import { ReplicaProcess } from '../../testkit/replica-process.ts'
import { identityOf } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import { tinyFile } from '../../testkit/write-load.ts'
import type { Announced } from '../../tracker-client/api/schemas.ts'
import { type Announcement, TrackerClient } from '../../tracker-client/client.ts'
import { FULL, faultTest, rounded } from '../support/faults/faults.ts'
import { PASSWORD } from '../support/tracker-fleet.ts'

const PEERS = 200
const WINDOW_MS = 500

/** Records when it announced its peer's whole set, and how often it found no tracker. */
class WatchedClient extends TrackerClient {
  readonly full: number[] = []
  failures = 0

  override async announce(body: Announcement): Promise<Announced> {
    try {
      const answer = await super.announce(body)
      if (body.files && !body.leaving) this.full.push(performance.now())
      return answer
    } catch (error) {
      this.failures++
      throw error
    }
  }
}

faultTest('after an outage of all trackers, peers spread out their full announces', async () => {
  const redis = await TestRedis.start()
  const replicas = await Promise.all([0, 1].map(() => ReplicaProcess.start(redis.url)))
  const trackers = replicas.map(({ url }) => url)
  const announcers: Announcer[] = []
  try {
    const owner = new TrackerClient({ trackers })
    await owner.register('owner', PASSWORD)
    const { token } = await owner.login('owner', PASSWORD)
    await owner.createGroup('team')
    const file = tinyFile('seeded')
    await owner.publish('team', [file])
    const clients = Array.from({ length: PEERS }, () => new WatchedClient({ trackers, token }))
    for (const [i, client] of clients.entries()) {
      const library = new Library()
      library.set(served(file.fileId))
      const ready = async (): Promise<void> => {}
      const self = { keys: identityOf(`peer ${i}`), port: 4000 + i, tls: true }
      announcers.push(new Announcer(client, library, self, ready, () => {}))
    }
    for (const announcer of announcers) announcer.start()
    await until(() => clients.every(({ full }) => full.length > 0), 20_000)

    await Promise.all(replicas.map((replica) => replica.end('SIGKILL')))
    // The worst case: all their sets change at once, and no tracker remembers any.
    for (const announcer of announcers) announcer.announceSoon()
    await until(() => clients.every(({ failures }) => failures >= (FULL ? 5 : 2)), 120_000)
    await redis.ask(async (raw) => raw.del('none', ...(await raw.keys('{p*'))))
    for (const client of clients) client.full.length = 0
    await Promise.all(replicas.map((replica) => replica.restart()))
    const back = performance.now()
    await until(() => clients.every(({ full }) => full.length > 0), 30_000)

    const times = clients.map(({ full }) => full[0]! - back).sort((a, b) => a - b)
    const most = Math.max(
      ...times.map((time) => times.filter((t) => t >= time && t < time + WINDOW_MS).length),
    )
    expect(most).toBeLessThan(PEERS / 3)
    const listed = new TrackerClient({ trackers: trackers.slice(1), token })
    await until(async () => (await listed.files('team')).files[0]?.seeders === PEERS)
    return { peers: PEERS, mostInHalfASecond: most, lastBackMs: rounded(times.at(-1)!) }
  } finally {
    await Promise.all(announcers.map((announcer) => announcer.stop()))
    await Promise.all(replicas.map((replica) => replica.stop()))
    await redis.stop()
  }
})

function served(fileId: string): ServedFile {
  const never = () => Promise.reject(new Error('nobody fetches here'))
  return {
    fileId,
    size: 1,
    groups: new Set(['team']),
    have: Bitmap.full(1),
    hashes: () => sha256(Buffer.from('')),
    open: never,
  }
}
