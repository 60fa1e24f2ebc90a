import type { GroupEvent } from '../../../protocol/records.ts'
import { masters } from '../../../redis/connect.ts'
import { until } from '../../../testkit/until.ts'
import { openStore } from '../../../tracker-store/open.ts'
import type { Store } from '../../../tracker-store/store.ts'
import { by, type Fixture, fresh, killSubscribers, makeGroup, newFile, subscribers } from './fixture.ts'

/** Follows a group in the background. `stop` resolves once the iteration has ended. */
function collect(store: Store, group: string, revision: number) {
  const events: GroupEvent[] = []
  const aborter = new AbortController()
  const ended = (async () => {
    for await (const event of store.groups.events(group, revision, aborter.signal)) events.push(event)
  })()
  const stop = (): Promise<void> => {
    aborter.abort()
    return ended
  }
  return { events, ended, stop }
}

/** Cuts both replicas' subscribers, so that they miss everything published before they reconnect. */
async function cutSubscribers(fixture: Fixture): Promise<void> {
  await until(async () => (await subscribers(fixture)).length === 2)
  expect(await killSubscribers(fixture)).toBe(2)
}

export function describeEvents(fixture: Fixture): void {
  const request = (group: string, i: number) => fixture.a.groups.request(by(`user${i}`), group)
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

  describe('events', () => {
    test('a reader gets each change after its revision once and in order', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann', 'bob')
      const reader = collect(fixture.b, group, 1)
      await until(() => reader.events.length === 2)
      await Promise.all(range(0, 50).map((i) => request(group, i)))
      await until(() => reader.events.length === 52)
      expect(reader.events.map((event) => event.revision)).toEqual(range(2, 54))
      expect(reader.events[0]).toMatchObject({ type: 'member.requested', user: 'bob', by: 'bob', group })
      await reader.stop()
    })

    test('lost messages are read from the stream, without gaps or repetitions', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      await fixture.b.groups.view(group)
      const reader = collect(fixture.b, group, 0)
      for (const i of range(0, 100)) {
        if (i % 20 === 5) await killSubscribers(fixture)
        await request(group, i)
      }
      await until(() => reader.events.length === 101)
      expect(reader.events.map((event) => event.revision)).toEqual(range(1, 102))
      await until(async () => (await fixture.b.groups.view(group))?.revision === 101, 2000)
      await reader.stop()
    })

    test('an unused view that missed the last message is current within two seconds', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      await fixture.b.groups.view(group)
      await cutSubscribers(fixture)
      await request(group, 1)
      await until(async () => (await fixture.b.groups.view(group))?.requests.size === 1, 2000)
    })

    test('a view behind a trimmed stream is loaded again', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      await fixture.b.groups.view(group)
      await cutSubscribers(fixture)
      for (const i of range(0, 5)) await request(group, i)
      await fixture.raw.xtrim(`{g:${group}}:stream`, 'MAXLEN', 1)
      const view = await fixture.b.groups.view(group, 6)
      expect(view).toMatchObject({ revision: 6 })
      expect(view?.requests.size).toBe(5)
    })

    test('a reader that starts before a trimmed stream gets REVISION_TOO_OLD', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann', 'bob')
      await fixture.raw.xtrim(`{g:${group}}:stream`, 'MAXLEN', 1)
      await expect(collect(fixture.b, group, 0).ended).rejects.toMatchObject({ code: 'REVISION_TOO_OLD' })
    })

    test('a view of a history that Redis lost is loaded again', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      await request(group, 1)
      expect((await fixture.b.groups.view(group, 2))?.requests.size).toBe(1)
      // Simulates a failover to a replica that missed the last write.
      await fixture.raw.set(`{g:${group}}:revision`, 1)
      await fixture.raw.hdel(`{g:${group}}:requests`, 'user1')
      await fixture.raw.xtrim(`{g:${group}}:stream`, 'MAXLEN', 0)
      await fixture.raw.del(`{g:${group}}:stream`)
      await until(async () => (await fixture.b.groups.view(group))?.requests.size === 0, 3000)
    })

    test('a group of many pages that changes during the load is consistent', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      const published = range(0, 10_000).map((i) => newFile(`file${i}`))
      for (let i = 0; i < published.length; i += 1000)
        await fixture.a.groups.publish(by('ann'), group, published.slice(i, i + 1000))
      const late = await openStore({ redis: fixture.url, replicaId: 'late' })
      let loading = true
      const loaded = late.groups.view(group).finally(() => {
        loading = false
      })
      let revision = 0
      for (let i = 0; loading; i++) {
        const name = `file${i * 7}`
        const remove = () => fixture.a.groups.removeFile(by('ann'), group, name)
        const replace = () => fixture.a.groups.publish(by('ann'), group, [newFile(name, `new ${i}`)])
        revision = (await (i % 2 === 0 ? remove() : replace())).revision
      }
      await loaded
      expect(revision).toBeGreaterThan(10_001)
      const view = await late.groups.view(group, revision)
      const stored = Object.values(await fixture.raw.hgetall(`{g:${group}}:files`))
      const files = new Map(view?.files.page('', '', 20_000).map((file) => [file.name, file]))
      expect(files).toEqual(new Map(stored.map((json) => [JSON.parse(json).name, JSON.parse(json)])))
      await late.close()
    })

    test('concurrent loads of one group read it once', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      const calls = async (): Promise<number> => {
        const stats = await Promise.all(masters(fixture.raw).map((server) => server.info('commandstats')))
        return stats.reduce((sum, text) => sum + Number(/cmdstat_hscan:calls=(\d+)/.exec(text)?.[1] ?? 0), 0)
      }
      const before = await calls()
      const views = await Promise.all(range(0, 20).map(() => fixture.b.groups.view(group, 1)))
      expect(new Set(views).size).toBe(1)
      expect((await calls()) - before).toBe(3)
    })
  })
}
