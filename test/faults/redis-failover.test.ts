import { setTimeout as delay } from 'node:timers/promises'
import type { RedisProcess } from '../../testkit/redis-process.ts'
import { until } from '../../testkit/until.ts'
import { openStore } from '../../tracker-store/open.ts'
import type { Mutation, Store } from '../../tracker-store/store.ts'
import { by, code, makeGroup, newFile } from '../contract/store/fixture.ts'
import { FULL, faultTest, rounded } from '../support/faults/faults.ts'
import { TestCluster } from '../support/redis/cluster.ts'
import { infoOf, TestSentinel } from '../support/redis/sentinel.ts'

/** Acknowledged writes before the fault. */
const WARM_UP = FULL ? 2000 : 50
const WARM_UP_MS = 60_000
const MAX_LAG_S = 2
const BOUNDED = { 'min-replicas-to-write': '1', 'min-replicas-max-lag': String(MAX_LAG_S) }

interface Written {
  name: string
  at: number
}

/** Publishes one file after another in a group, each until it is acknowledged. */
class Writer {
  readonly acknowledged: Written[] = []
  refusedAt: number | null = null
  longestPauseMs = 0
  readonly #store: Store
  readonly #group: string
  readonly #running: Promise<void>
  #stopped = false

  constructor(store: Store, group: string) {
    this.#store = store
    this.#group = group
    this.#running = this.#run()
  }

  /** Resolves once the running write is acknowledged. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.#running
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const [name, mutation, started] = [`file-${i}`, by('ann'), performance.now()]
      while (!(await this.#publish(mutation, name))) await delay(20)
      this.acknowledged.push({ name, at: performance.now() })
      this.longestPauseMs = Math.max(this.longestPauseMs, performance.now() - started)
      await delay(2)
    }
  }

  async #publish(mutation: Mutation, name: string): Promise<boolean> {
    const asked = performance.now()
    try {
      await this.#store.groups.publish(mutation, this.#group, [newFile(name)])
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
      expect(performance.now() - asked).toBeLessThan(1200)
      this.refusedAt ??= asked
      return false
    }
  }
}

function isAway(error: unknown): false {
  expect(error).toEqual(code('STORE_UNAVAILABLE'))
  return false
}

const figuresOf = (writer: Writer, lost: Written[]) => ({
  writes: writer.acknowledged.length,
  pauseMs: rounded(writer.longestPauseMs),
  lost: lost.length,
})

/** Acknowledged writes that are missing from each store's view. All stores must agree. */
async function lostBy(stores: Store[], group: string, written: Written[]): Promise<Written[]> {
  // An idle replica learns of a Cluster's new master within a second.
  for (const store of stores)
    await until(async () => (await store.ready()) && (await store.groups.view(group).then(Boolean, isAway)))
  const [first, ...others] = await Promise.all(stores.map((store) => store.groups.view(group)))
  const names = (view: typeof first) => view?.files.page('', '', 100_000)
  for (const other of others) {
    expect(other?.revision).toBe(first?.revision)
    expect(names(other)).toEqual(names(first))
  }
  return written.filter(({ name }) => first?.files.get(name) === undefined)
}

describe('a Sentinel group that bounds what a failover can lose', () => {
  let group: TestSentinel
  let stores: Store[]
  const warnings: string[] = []

  beforeEach(async () => {
    warnings.length = 0
    group = await TestSentinel.start(2, { password: 'secret', options: BOUNDED })
    stores = await Promise.all(
      ['a', 'b'].map((replicaId) =>
        openStore({ redis: group.url, replicaId, log: { warn: (text) => warnings.push(text) } }),
      ),
    )
  })
  afterEach(async () => {
    for (const server of [group.master, ...group.replicas]) server.thaw()
    await Promise.all(stores.map((store) => store.close()))
    await group.stop()
  })

  for (const fate of ['killed', 'hung'] as const)
    faultTest(`the store keeps working with the Sentinel group's master ${fate}`, async () => {
      const [a, b] = stores as [Store, Store]
      await makeGroup(a, 'team', 'ann')
      const writer = new Writer(a, 'team')
      await until(
        async () => writer.acknowledged.length > WARM_UP && (await b.groups.view('team')) !== null,
        WARM_UP_MS,
      )
      const before = writer.acknowledged.length
      const failed = performance.now()
      if (fate === 'killed') await group.master.kill()
      else group.master.freeze()
      await until(() => writer.acknowledged.length > before + 50, 20_000)
      await writer.stop()
      const lost = await lostBy(stores, 'team', writer.acknowledged)
      expect(writer.longestPauseMs).toBeLessThan(15_000)
      for (const { at } of lost) expect(failed - at).toBeLessThan((MAX_LAG_S + 1) * 1000)
      if (lost.length > 0) expect(warnings.join()).toContain('Redis lost changes of the group team')
      return figuresOf(writer, lost)
    })

  faultTest(
    'an isolated master refuses writes after the bound, and a failover then loses at most the bound and is logged',
    async () => {
      const [a, b] = stores as [Store, Store]
      await makeGroup(a, 'team', 'ann')
      const writer = new Writer(a, 'team')
      await until(
        async () => writer.acknowledged.length > WARM_UP && (await b.groups.view('team')) !== null,
        WARM_UP_MS,
      )
      const frozen = performance.now()
      for (const replica of group.replicas) replica.freeze()
      // Fill the sockets' buffers, or a replica would still read from them after its master's end.
      await group.master.ask((redis) => redis.set('ballast', Buffer.alloc(32 * 2 ** 20)))
      await until(() => writer.refusedAt !== null, 20_000)
      expect(writer.refusedAt! - frozen).toBeLessThan((MAX_LAG_S + 2) * 1000)
      const seen = (await b.groups.view('team'))?.revision ?? 0
      await group.master.kill()
      for (const replica of group.replicas) replica.thaw()
      const before = writer.acknowledged.length
      await until(() => writer.acknowledged.length > before + 10, 20_000)
      await writer.stop()
      const lost = await lostBy(stores, 'team', writer.acknowledged)
      expect(lost.length).toBeGreaterThan(0)
      for (const { at } of lost) expect(at).toBeGreaterThan(frozen - 1000)
      expect(warnings).toContainEqual(
        expect.stringMatching(
          new RegExp(`lost changes of the group team: this replica saw revision ${seen}`),
        ),
      )
      return { ...figuresOf(writer, lost), refusedAfterMs: rounded(writer.refusedAt! - frozen) }
    },
  )
})

describe('a Cluster with replicas', () => {
  let cluster: TestCluster
  let stores: Store[]

  beforeEach(async () => {
    const options = { 'cluster-require-full-coverage': 'no' }
    cluster = await TestCluster.start(1, { password: 'secret', options })
    stores = await Promise.all(['a', 'b'].map((replicaId) => openStore({ redis: cluster.url, replicaId })))
  })
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await cluster.stop()
  })

  const groupsOn = async (node: RedisProcess): Promise<string[]> =>
    (await node.ask((redis) => redis.keys('{g:*}:meta'))).map((key) =>
      key.slice('{g:'.length, -'}:meta'.length),
    )

  faultTest(
    "when a Cluster's master is killed, its groups continue after the election and all others without a pause",
    async () => {
      const [a] = stores as [Store]
      for (let i = 0; i < 12; i++) await makeGroup(a, `g${i}`, 'ann')
      const [dying, living] = [cluster.masters[0]!, cluster.masters[1]!]
      const [hurt, unhurt] = [(await groupsOn(dying))[0]!, (await groupsOn(living))[0]!]
      const writers = { hurt: new Writer(a, hurt), unhurt: new Writer(a, unhurt) }
      const counts = () => Object.values(writers).map(({ acknowledged }) => acknowledged.length)
      await until(() => Math.min(...counts()) > WARM_UP, WARM_UP_MS)
      const before = writers.hurt.acknowledged.length
      const failed = performance.now()
      await dying.kill()
      await until(() => writers.hurt.acknowledged.length > before + 50, 20_000)
      await Promise.all([writers.hurt.stop(), writers.unhurt.stop()])
      const lost = await lostBy(stores, hurt, writers.hurt.acknowledged)
      expect(writers.hurt.longestPauseMs).toBeLessThan(15_000)
      for (const { at } of lost) expect(failed - at).toBeLessThan(1000)
      expect(writers.unhurt.longestPauseMs).toBeLessThan(1000)
      expect(await lostBy(stores, unhurt, writers.unhurt.acknowledged)).toEqual([])
      expect(await infoOf(cluster.replicas[0]!)).toContain('role:master')
      await expect(a.groups.create(by('bob'), hurt)).rejects.toEqual(code('GROUP_TAKEN'))
      return { ...figuresOf(writers.hurt, lost), othersPauseMs: rounded(writers.unhurt.longestPauseMs) }
    },
  )
})
