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

/** A replica with a good connection to Redis, and one whose connection passes through a faulty proxy. */
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

/** Creates a group, with clients of both replicas that have not seen it yet. */
async function begin(group: string): Promise<void> {
  const { token } = near
  near = fleet.anonymous(0)
  near.token = token
  far = farClient(token)
  await near.createGroup(group)
  await far.group(group)
}

/** A logged-in client of the far replica that has not seen any group yet. */
function farClient(token: TrackerClient['token']): TrackerClient {
  const client = fleet.anonymous(1)
  client.token = token
  return client
}

const isReady = async (replica: RunningTracker): Promise<boolean> =>
  (await fetch(`${replica.url}/readyz`)).status === 200

/** The replica's answer about a group to a client that has not seen it yet. */
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
  faultTest(`a replica cut off from Redis by ${how} reports it and misses nothing`, async () => {
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

faultTest('with half of all pub/sub messages lost, views are equal within a second', async () => {
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

faultTest('the next heartbeat restores a peer whose announce was lost between replicas', async () => {
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
  // Batches are written to Redis after they are published.
  await until(async () => (await fleet.redis.ask((redis) => redis.keys('{p:*'))).length === 50)
  const known = await seeders()
  lossRate = 0
  await say({})
  const backMs = await timed(() => until(async () => (await seeders()) === 50))
  expect(backMs).toBeLessThan(1000)
  return { peers: 50, known, backMs: rounded(backMs) }
})

faultTest(
  'a replica that missed the join event still accepts the new member’s announce and report',
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

faultTest('a replica that missed a file’s removal does not list its versions', async () => {
  await begin('removed')
  await near.publish('removed', [tinyFile('x')])
  await until(async () => (await far.files('removed')).files.length === 1)
  lossRate = 1
  const { token } = near
  const removals = FULL ? 50 : 4
  for (let i = 0; i < removals; i++) {
    await near.removeFile('removed', 'x')
    // A client that has not seen the removal: revisions that a client has seen are honoured anyway.
    await expect(farClient(token).versions('removed', 'x')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    const { revision } = await near.publish('removed', [tinyFile('x')])
    await until(async () => (await ask(farReplica, 'removed')).revision === revision)
  }
  return { removals }
})

faultTest('a replica that cannot read announced changes reports how many revisions it lags', async () => {
  await begin('behind')
  const lag = async (): Promise<number> => {
    const { replicas } = await near.status()
    return replicas.find(({ id }) => id === farReplica.replica)?.revisionLag ?? -1
  }
  lossRate = 0.5
  proxy.set({ latencyMs: 200 })
  let [most, changes] = [0, 0]
  // The fleet's status is updated every two seconds.
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
})

faultTest('a stream trimmed past a replica leads to a new snapshot, not to a silent gap', async () => {
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

/** Follows a group's events with one client. */
class Follower {
  readonly revisions: number[] = []
  /** The error that ended it, or null if it was stopped. */
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
