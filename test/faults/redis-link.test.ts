import { seededRandom } from '../../testkit/random.ts'
import { announceAs, identityOf } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import { allNames, lostWrites, tinyFile, WriteLoad } from '../../testkit/write-load.ts'
import type { RunningTracker } from '../../tracker/start.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import type { FaultProxy } from '../support/faults/fault-proxy.ts'
import { FULL, faultTest, faultyWay, rounded, SEED, timed } from '../support/faults/faults.ts'
import type { Faults } from '../support/faults/faulty-lane.ts'
import { dropMessages } from '../support/faults/resp-frames.ts'
import { TestFleet } from '../support/tracker-fleet.ts'

/** One replica with a good way to Redis, and one whose way a proxy spoils. */
let fleet: TestFleet
let proxy: FaultProxy
let near: TrackerClient
let far: TrackerClient
let farReplica: RunningTracker
let lossRate = 0

beforeAll(async () => {
  fleet = await TestFleet.start(1)
  const random = seededRandom(SEED)
  const way = await faultyWay(fleet.redis, { replies: dropMessages(() => lossRate, random) })
  proxy = way.proxy
  farReplica = await fleet.add(way.url)
  near = await fleet.user('owner')
})
afterEach(() => {
  lossRate = 0
  proxy.heal()
})
afterAll(async () => {
  await fleet.stop()
  await proxy.stop()
})

/** A group, and clients of both replicas that have not seen anything of it. */
async function begin(group: string): Promise<void> {
  const { token } = near
  near = fleet.anonymous(0)
  near.token = token
  far = farClient(token)
  await near.createGroup(group)
  await far.group(group)
}

/** A client of the far replica, with a session, that has not seen anything yet. */
function farClient(token: TrackerClient['token']): TrackerClient {
  const client = fleet.anonymous(1)
  client.token = token
  return client
}

const isReady = async (replica: RunningTracker): Promise<boolean> =>
  (await fetch(`${replica.url}/readyz`)).status === 200

/** What the replica says of a group to somebody who has seen nothing of it yet. */
async function ask(replica: RunningTracker, group: string): Promise<{ revision: number; age: number }> {
  const headers = { authorization: `Bearer ${near.token}` }
  const response = await fetch(`${replica.url}/v1/groups/${group}/files?limit=1`, { headers })
  await response.text()
  expect(response.status).toBe(200)
  const number = (name: string) => Number(response.headers.get(name) ?? 0)
  return { revision: number('shoal-revision'), age: number('age') }
}

const CUTS: [string, Partial<Faults>][] = [
  ['a refused connection', { refuse: true }],
  ['a connection that hangs', { halfOpen: true }],
]

for (const [how, faults] of CUTS)
  faultTest(`row 17: a replica cut off from Redis, by ${how}, says so and misses nothing`, async () => {
    const group = `cut-${how.length}`
    const cutMs = FULL ? 30_000 : 2500
    await begin(group)
    const load = new WriteLoad([near], group, 100)
    const follower = new Follower(far, group)
    proxy.set(faults)
    if (faults.refuse) proxy.cut()
    const start = performance.now()
    const unreadyMs = await timed(() => until(async () => !(await isReady(farReplica))))
    expect(unreadyMs).toBeLessThan(3000)
    let oldest = 0
    await until(async () => {
      oldest = Math.max(oldest, (await ask(farReplica, group)).age)
      return performance.now() - start > cutMs
    }, cutMs + 5000)
    expect(oldest).toBeGreaterThanOrEqual(Math.floor(cutMs / 1000) - 1)
    await load.stop()
    const { revision } = await near.group(group)
    proxy.heal()
    const equalMs = await timed(() =>
      until(async () => (await ask(farReplica, group)).revision === revision, 10_000),
    )
    expect(equalMs).toBeLessThan(1000)
    await until(() => isReady(farReplica))
    expect(await lostWrites(far, group, load)).toEqual([])
    await until(() => follower.revisions.length === revision)
    await follower.stop()
    expect(follower.revisions).toEqual(Array.from({ length: revision }, (_, i) => i + 1))
    return { cutMs, unreadyMs: rounded(unreadyMs), equalMs: rounded(equalMs), changes: revision, missed: 0 }
  })

faultTest('row 18: with half of all messages lost, views are equal within a second', async () => {
  await begin('lossy')
  lossRate = 0.5
  let slowest = 0
  const bursts = FULL ? 200 : 10
  for (let burst = 0; burst < bursts; burst++) {
    let revision = 0
    for (let i = 0; i < 3; i++)
      revision = (await near.publish('lossy', [tinyFile(`f${burst}/${i}`)])).revision
    const lag = await timed(() => until(async () => (await ask(farReplica, 'lossy')).revision === revision))
    slowest = Math.max(slowest, lag)
  }
  expect(slowest).toBeLessThan(1000)
  expect(await allNames(far, 'lossy')).toEqual(await allNames(near, 'lossy'))
  return { bursts, slowestMs: rounded(slowest) }
})

faultTest('row 18: peers whose announces were lost are there after their next heartbeat', async () => {
  await begin('swarm')
  const file = tinyFile('seeded')
  await near.publish('swarm', [file])
  const seeders = async () => (await far.files('swarm')).files[0]?.seeders ?? 0
  const say = async (body: object) => {
    for (let i = 0; i < 50; i++) {
      await announceAs(near, identityOf(`peer ${i}`), { port: 4000 + i, tls: true, sequence: 1, ...body })
    }
  }
  lossRate = 1
  await say({ files: [{ group: 'swarm', fileId: file.fileId, complete: true }] })
  // Batches are written to Redis after they were published.
  await until(async () => (await fleet.redis.ask((redis) => redis.keys('{p:*'))).length === 50)
  const known = await seeders()
  lossRate = 0
  await say({})
  const backMs = await timed(() => until(async () => (await seeders()) === 50))
  expect(backMs).toBeLessThan(1000)
  return { peers: 50, known, backMs: rounded(backMs) }
})

faultTest(
  'row 18: what a new member announces and reports counts where nothing was heard of it',
  async () => {
    await begin('unheard')
    const guest = await fleet.user('guest')
    lossRate = 1
    const [first, second] = [tinyFile('first'), tinyFile('second')]
    await near.publish('unheard', [first])
    await guest.requestJoin('unheard')
    await near.accept('unheard', ['guest'])
    const there = farClient(guest.token)
    const keys = identityOf('guest')
    const { peer } = keys
    const files = [first, second].map(({ fileId }) => ({ group: 'unheard', fileId, complete: false }))
    await announceAs(there, keys, { port: 4000, tls: true, sequence: 1, files })
    await near.publish('unheard', [second])
    const moving = { held: 1, parts: '/w==', down: 1, up: 0 }
    await there.progress({ peer, files: [{ group: 'unheard', fileId: second.fileId, ...moving }] })
    const picture = await fetch(`${farReplica.url}/v1/groups/unheard/swarms/${second.fileId}`, {
      headers: { authorization: `Bearer ${guest.token}` },
    })
    expect(await picture.json()).toMatchObject({ leechers: 1, peers: [{ held: 1 }] })
    return { counted: 2 }
  },
)

faultTest('row 18: no versions are told of a file whose removal was lost', async () => {
  await begin('removed')
  await near.publish('removed', [tinyFile('x')])
  await until(async () => (await far.files('removed')).files.length === 1)
  lossRate = 1
  const { token } = near
  const removals = FULL ? 50 : 4
  for (let i = 0; i < removals; i++) {
    await near.removeFile('removed', 'x')
    // Of a client that has seen nothing of it: what it has seen is honoured anyhow.
    await expect(farClient(token).versions('removed', 'x')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    const { revision } = await near.publish('removed', [tinyFile('x')])
    await until(async () => (await ask(farReplica, 'removed')).revision === revision)
  }
  return { removals }
})

faultTest(
  'row 18: a replica that hears of changes before it can read them says by how many it is behind',
  async () => {
    await begin('behind')
    const lag = async (): Promise<number> => {
      const { replicas } = await near.status()
      return replicas.find(({ id }) => id === farReplica.replica)?.revisionLag ?? -1
    }
    lossRate = 0.5
    proxy.set({ latencyMs: 200 })
    let [most, changes] = [0, 0]
    // It is told to the fleet every two seconds.
    await until(async () => {
      await near.publish('behind', [tinyFile(`f${changes++}`)])
      most = Math.max(most, await lag())
      return most > 0
    }, 30_000)
    expect(most).toBeLessThanOrEqual(changes)
    lossRate = 0
    proxy.heal()
    const { revision } = await near.group('behind')
    await until(async () => (await ask(farReplica, 'behind')).revision === revision)
    await until(async () => (await lag()) === 0)
    return { changes, mostBehind: most }
  },
)

faultTest('row 19: a stream trimmed past a replica means a new snapshot, and no silent gap', async () => {
  await begin('trimmed')
  const follower = new Follower(far, 'trimmed')
  await until(() => follower.revisions.length === 1)
  for (const keep of [0, 1, 3]) {
    proxy.set({ refuse: true })
    proxy.cut()
    await until(async () => !(await isReady(farReplica)))
    for (let i = 0; i < 10; i++) await near.publish('trimmed', [tinyFile(`keep ${keep}/${i}`)])
    await near.removeFile('trimmed', `keep ${keep}/0`)
    await fleet.redis.ask((redis) => redis.xtrim('{g:trimmed}:stream', 'MAXLEN', keep))
    proxy.heal()
    const { revision } = await near.group('trimmed')
    await until(async () => (await ask(farReplica, 'trimmed')).revision === revision)
    expect((await far.files('trimmed')).files).toEqual((await near.files('trimmed')).files)
  }
  expect(await follower.ended).toMatchObject({ code: 'REVISION_TOO_OLD' })
  expect(follower.revisions).toEqual([1])
  return { trims: 3, gaps: 0 }
})

/** Follows a group's events over one client. */
class Follower {
  readonly revisions: number[] = []
  /** What it ended with: null where it was stopped. */
  readonly ended: Promise<unknown>
  readonly #stop = new AbortController()

  constructor(client: TrackerClient, group: string) {
    this.ended = this.#follow(client, group).then(
      () => null,
      (error: unknown) => error,
    )
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    expect(await this.ended).toBeNull()
  }

  async #follow(client: TrackerClient, group: string): Promise<void> {
    for await (const { revision } of client.events(group, 0, this.#stop.signal)) this.revisions.push(revision)
  }
}
