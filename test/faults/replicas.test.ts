import { TestRedis } from '../../testkit/redis-server.ts'
import { ReplicaProcess } from '../../testkit/replica-process.ts'
import { announceAs, identityOf } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import { lostWrites, tinyFile, WriteLoad } from '../../testkit/write-load.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { FULL, faultTest, HOOK_MS, rounded, timed } from '../support/faults/faults.ts'
import { PASSWORD } from '../support/tracker-fleet.ts'

/** Replicas in separate processes, which are killed, restarted and stopped under load. */
let redis: TestRedis
let replicas: ReplicaProcess[]
let token: string
const WRITES_PER_SECOND = 500
const CLIENTS = 20

beforeAll(async () => {
  redis = await TestRedis.start()
  replicas = await Promise.all([0, 1, 2].map(() => ReplicaProcess.start(redis.url)))
  const owner = clientOf(...replicas)
  await owner.register('owner', PASSWORD)
  token = (await owner.login('owner', PASSWORD)).token
}, HOOK_MS)
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await redis.stop()
})

/** A client that asks the replicas in this order. */
function clientOf(...order: ReplicaProcess[]): TrackerClient {
  return new TrackerClient({ trackers: order.map(({ url }) => url), token })
}

/** Writers that each start at another replica. */
function writers(): TrackerClient[] {
  return Array.from({ length: CLIENTS }, (_, i) => {
    const first = i % replicas.length
    return clientOf(...replicas.slice(first), ...replicas.slice(0, first))
  })
}

async function begin(group: string): Promise<WriteLoad> {
  await clientOf(...replicas).createGroup(group)
  const load = new WriteLoad(writers(), group, WRITES_PER_SECOND)
  await goOn(load)
  return load
}

/** Waits for more acknowledged writes. */
async function goOn(load: WriteLoad, writes = FULL ? 1000 : 100): Promise<void> {
  const target = load.acknowledged.length + writes
  await until(() => load.acknowledged.length >= target, 30_000)
}

async function expectNothingLost(load: WriteLoad, group: string): Promise<void> {
  for (const replica of replicas) expect(await lostWrites(clientOf(replica), group, load)).toEqual([])
}

faultTest('SIGKILL of a replica under load loses no acknowledged write', async () => {
  const load = await begin('killed')
  for (let kill = 0; kill < (FULL ? 12 : 1); kill++) {
    const victim = replicas[kill % replicas.length]!
    await victim.end('SIGKILL')
    await goOn(load)
    await victim.restart()
  }
  await load.stop()
  expect(load.errors).toEqual([])
  expect(load.slowestMs).toBeLessThan(2000)
  await expectNothingLost(load, 'killed')
  return {
    kills: FULL ? 12 : 1,
    acknowledged: load.acknowledged.length,
    lost: 0,
    slowestMs: rounded(load.slowestMs),
  }
})

faultTest('clients do not notice a rolling restart of three replicas under load', async () => {
  const load = await begin('rolling')
  for (let round = 0; round < (FULL ? 5 : 1); round++)
    for (const replica of replicas) {
      await replica.end('SIGTERM')
      await replica.restart()
      await goOn(load)
    }
  await load.stop()
  expect(load.errors).toEqual([])
  await expectNothingLost(load, 'rolling')
  return { acknowledged: load.acknowledged.length, errors: 0, slowestMs: rounded(load.slowestMs) }
})

faultTest('a replica that was paused serves nothing stale when it resumes', async () => {
  const [first, frozen] = replicas as [ReplicaProcess, ReplicaProcess]
  const stopMs = FULL ? 60_000 : 3000
  const load = await begin('stopped')
  const swarm = new Swarm(clientOf(first), 'stopped', 20)
  await swarm.announce()
  await until(async () => (await seedersAt(frozen)) === swarm.peers)
  // Pause it during requests, so that its commands look unanswered when it resumes.
  frozen.signal('SIGSTOP')
  const stopped = performance.now()
  const reads: Promise<Read>[] = []
  await until(async () => {
    await swarm.heartbeat()
    const elapsed = performance.now() - stopped
    if (elapsed > (reads.length * stopMs) / 50) reads.push(read(frozen, await revisionAt(first)))
    return elapsed > stopMs
  }, stopMs + 10_000)
  await load.stop()
  frozen.signal('SIGCONT')
  const last = await revisionAt(first)
  for (let i = 0; i < 50; i++) reads.push(read(frozen, last))
  const answers = await Promise.all(reads)
  for (const { status, asked, answered } of answers) {
    expect(status).toBe(200)
    expect(answered).toBeGreaterThanOrEqual(asked)
  }
  const swarmMs = await timed(() => until(async () => (await seedersAt(frozen)) === swarm.peers))
  expect(swarmMs).toBeLessThan(1000)
  await expectNothingLost(load, 'stopped')
  return { stoppedMs: stopMs, reads: answers.length, stale: 0, swarmsBackMs: rounded(swarmMs) }
})

interface Read {
  status: number
  /** The group's revision when the request was sent. */
  asked: number
  answered: number
}

/** Asks one replica as a client that has not seen the group yet. */
async function read(replica: ReplicaProcess, asked: number): Promise<Read> {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${replica.url}/v1/groups/stopped/files?limit=1`, { headers })
  await response.text()
  return { status: response.status, asked, answered: Number(response.headers.get('shoal-revision')) }
}

async function revisionAt(replica: ReplicaProcess): Promise<number> {
  return (await clientOf(replica).group('stopped')).revision
}

async function seedersAt(replica: ReplicaProcess): Promise<number> {
  const { files } = await clientOf(replica).files('stopped', { prefix: 'seeded' })
  return files[0]?.seeders ?? 0
}

/** Peers that all serve one file and announce it to one replica. */
class Swarm {
  readonly peers: number
  readonly #client: TrackerClient
  readonly #group: string

  constructor(client: TrackerClient, group: string, peers: number) {
    this.#client = client
    this.#group = group
    this.peers = peers
  }

  async announce(): Promise<void> {
    const file = tinyFile('seeded')
    await this.#client.publish(this.#group, [file])
    await this.#all({ files: [{ group: this.#group, fileId: file.fileId, complete: true }] })
  }

  heartbeat(): Promise<void> {
    return this.#all({})
  }

  async #all(body: object): Promise<void> {
    for (let i = 0; i < this.peers; i++) {
      await announceAs(this.#client, identityOf(`peer ${i}`), {
        port: 4000 + i,
        tls: true,
        sequence: 1,
        ...body,
      })
    }
  }
}
