import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRedis } from '../../redis/connect.ts'
import { TestRedis } from '../../testkit/redis-server.ts'
import { until } from '../../testkit/until.ts'
import { openStore } from '../../tracker-store/open.ts'
import type { Mutation, Store } from '../../tracker-store/store.ts'
import { faultyWay } from '../support/faults/faults.ts'
import { by, code, fresh, makeGroup, newFile } from './store/fixture.ts'

const SOME_CUTS = 6

describe('the store when Redis goes away', () => {
  let redis: TestRedis
  let store: Store

  beforeEach(async () => {
    redis = await TestRedis.start()
    store = await openStore({ redis: redis.url, replicaId: 'a' })
  })
  afterEach(async () => {
    redis.thaw()
    await store.close()
    await redis.stop()
  })

  /** Every method that asks Redis. */
  const questions = (group: string): Record<string, () => Promise<unknown>> => ({
    'users.create': () => store.users.create(by('eve'), { user: 'eve', passwordHash: 'h' }),
    'users.get': () => store.users.get('ann'),
    'users.count': () => store.users.count(),
    'sessions.get': () => store.sessions.get('ann', 'token'),
    'groups.create': () => store.groups.create(by('ann'), 'late'),
    'groups.request': () => store.groups.request(by('eve'), group),
    'groups.publish': () => store.groups.publish(by('ann'), group, [newFile('late')]),
    'groups.list': () => store.groups.list('', 10),
    'groups.view of another': () => store.groups.view('unknown'),
    'groups.view from the future': () => store.groups.view(group, 1000),
    'hashes.stage': () => store.hashes.stage(group, 'ann', newFile('x').fileId, 0, randomBytes(32)),
    'hashes.read': () => store.hashes.read(group, newFile('x').fileId, 0, 1),
    'keys.list': () => store.keys.list(),
    'replicas.list': () => store.replicas.list(),
  })

  async function expectUnavailable(group: string): Promise<void> {
    const asked = Object.values(questions(group)).map(async (ask) => {
      const start = performance.now()
      await expect(ask()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', hint: expect.any(String) })
      expect(performance.now() - start).toBeLessThan(1000)
    })
    await Promise.all(asked)
    expect(await store.ready()).toBe(false)
  }

  test('every method fails within a second, loaded views keep answering, and nothing is queued', async () => {
    const group = fresh('g')
    await makeGroup(store, group, 'ann')
    expect(await store.groups.view(group)).toMatchObject({ revision: 1 })
    await redis.kill()
    await until(async () => !(await store.ready()))
    await expectUnavailable(group)
    const start = performance.now()
    expect(await store.groups.view(group, 1)).toMatchObject({ revision: 1, owner: 'ann' })
    expect(performance.now() - start).toBeLessThan(500)

    await redis.start()
    await until(() => store.ready())
    expect(await store.groups.view(group)).toMatchObject({ revision: 1 })
    expect(await store.users.get('eve')).toBeNull()
    expect(await store.groups.view('late')).toBeNull()
    expect((await store.groups.request(by('eve'), group)).revision).toBe(2)
  })

  test('a view whose repair failed is repaired by the next check', async () => {
    const group = fresh('g')
    await makeGroup(store, group, 'ann')
    await store.groups.view(group)
    const raw = connectRedis(redis.url, 'queue')
    await raw.acl('SETUSER', 'default', '-xrange')
    await raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(async () => !(await store.ready()))
    expect(await store.groups.view(group, 1)).toMatchObject({ revision: 1 })
    await raw.acl('SETUSER', 'default', '+xrange')
    raw.disconnect()
    await until(() => store.ready())
  })

  test('a subscription that breaks at any moment does not delay the checks', async () => {
    const { proxy, url } = await faultyWay(redis)
    const far = await openStore({ redis: url, replicaId: 'far' })
    const end = performance.now() + 2000
    const repeat = async (pauseMs: number, question: () => Promise<unknown>) => {
      while (performance.now() < end) {
        await delay(pauseMs * Math.random())
        await question().catch(() => {})
      }
    }
    try {
      proxy.set({ latencyMs: 5 })
      await redis.ask(async (raw) => {
        await Promise.all([
          // Missing groups are not cached, so that each question loads one.
          ...Array.from({ length: 60 }, (_, i) => repeat(5, () => far.groups.view(`none${i}`))),
          repeat(5, () => far.ready()),
          repeat(50, () => raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub')),
        ])
      })
      await until(() => far.ready())
    } finally {
      await far.close()
      await proxy.stop()
    }
  })

  test('calls fail within a second when Redis hangs', async () => {
    const group = fresh('g')
    await makeGroup(store, group, 'ann')
    await store.groups.view(group)
    redis.freeze()
    await expectUnavailable(group)
    expect(await store.groups.view(group, 1)).toMatchObject({ revision: 1 })
    redis.thaw()
    await until(() => store.ready())
    expect(await store.groups.view(group)).not.toBeNull()
  })

  test('event readers and announced peers survive the outage', async () => {
    const group = fresh('g')
    await makeGroup(store, group, 'ann')
    const aborter = new AbortController()
    const revisions: number[] = []
    const reading = (async () => {
      for await (const { revision } of store.groups.events(group, 0, aborter.signal)) revisions.push(revision)
    })()
    await until(() => revisions.length === 1)
    await redis.kill()
    const presence = { peer: 'p', user: 'ann', host: 'h', port: 1, tls: true, sequence: 1, seen: Date.now() }
    store.presence.push({ type: 'announce', presence: { ...presence, files: [] } })
    const reloads: unknown[] = []
    store.presence.subscribe((change) => reloads.push(change))
    await until(async () => !(await store.ready()))
    await redis.start()
    await until(() => store.ready())
    await store.groups.request(by('bob'), group)
    await until(() => revisions.length === 2)
    expect(reloads).toContain(null)
    const isLoaded = async (): Promise<boolean> => {
      for await (const { peer } of store.presence.load()) if (peer === 'p') return true
      return false
    }
    await until(isLoaded)
    aborter.abort()
    await reading
  })

  test('a Redis with data of a newer Shoal is refused', async () => {
    const raw = connectRedis(redis.url, 'queue')
    await raw.set('{shoal}:schema', 3)
    raw.disconnect()
    await expect(openStore({ redis: redis.url, replicaId: 'b' })).rejects.toEqual(code('SCHEMA_TOO_NEW'))
  })

  test('each change is applied once over a connection that is cut at random', async () => {
    const group = fresh('g')
    await makeGroup(store, group, 'ann')
    const revisions: number[] = []
    const steps = await cutAtRandom(redis, 200, async (i) => {
      const mutation = by('ann')
      const publish = () => store.groups.publish(mutation, group, [newFile('counter', `content ${i}`)])
      revisions.push((await insist(publish)).revision)
    })
    expect(revisions).toEqual(Array.from({ length: steps }, (_, i) => i + 2))
    const view = await insist(() => store.groups.view(group, steps + 1))
    expect(view?.files.get('counter')?.version).toBe(steps)
  })

  test('registrations and sessions are made once over a connection that is cut at random', async () => {
    const steps = await cutAtRandom(redis, 50, async (i) => {
      const user = `user${i}`
      const [making, opening] = [by(user), by(user)]
      const session: [Mutation, Parameters<Store['sessions']['create']>[1]] = [
        opening,
        { tokenHash: `t${i}`, expires: new Date(Date.now() + 60_000).toISOString(), scope: 'read' },
      ]
      await insist(() => store.users.create(making, { user, passwordHash: 'h' }))
      await insist(() => store.sessions.create(...session))
      expect(await insist(() => store.sessions.get(user, `t${i}`))).not.toBeNull()
    })
    expect(await insist(() => store.users.count())).toBe(steps)
  })
})

/**
 * Cuts the clients' connections at random moments while `step` repeats, at least `least` times and until several cuts have
 * been made. Returns the number of steps. A seed could not reproduce the moments. Each cut waits for a step that
 * succeeded after the previous cut; otherwise, if connecting takes longer than the pause between cuts, no step would
 * ever succeed.
 */
async function cutAtRandom(
  redis: TestRedis,
  least: number,
  step: (index: number) => Promise<void>,
): Promise<number> {
  const raw = connectRedis(redis.url, 'queue')
  let [steps, cuts, done] = [0, 0, false]
  const cut = async (): Promise<void> => {
    while (!done) {
      await delay(20 * Math.random())
      cuts += Number(await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
      const before = steps
      while (steps === before && !done) await delay(1)
    }
  }
  const cutting = cut()
  try {
    for (; steps < least || cuts < SOME_CUTS; steps++) await step(steps)
  } finally {
    done = true
    await cutting.finally(() => raw.disconnect())
  }
  return steps
}

/** Retries with the same key until the store answers, as clients do. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  let answer: T | undefined
  await until(async () => {
    try {
      answer = await ask()
      return true
    } catch (error) {
      if ((error as { code?: string }).code !== 'STORE_UNAVAILABLE') throw error
      return false
    }
  })
  return answer as T
}
