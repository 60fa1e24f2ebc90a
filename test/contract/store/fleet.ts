import { createHash, randomBytes } from 'node:crypto'
import type { ProgressReport } from '../../../protocol/records.ts'
import { parseRedisUrl } from '../../../redis/url.ts'
import { until } from '../../../testkit/until.ts'
import { PRESENCE_CHANNEL, PROGRESS_CHANNEL, presenceKey } from '../../../tracker-store/keys.ts'
import { openStore } from '../../../tracker-store/open.ts'
import type { PeerPresence, PresenceChange, ServedFiles } from '../../../tracker-store/store.ts'
import { by, type Fixture, fresh, makeGroup, newFile, replicaInfo } from './fixture.ts'

export function describeFleet(fixture: Fixture): void {
  describe('signing keys', () => {
    test('a recent key is kept, an old one gets a successor, and the newest two remain', async () => {
      const key = (kid: string, ms: number) => ({
        kid,
        privateKey: `key ${kid}`,
        created: new Date(ms).toISOString(),
      })
      expect(await fixture.a.keys.list()).toEqual([])
      const both = await Promise.all([
        fixture.a.keys.rotate(key('a', 1000), 500),
        fixture.b.keys.rotate(key('b', 1000), 500),
      ])
      expect(both[0]).toEqual(both[1])
      expect(both[0]).toHaveLength(1)
      expect(await fixture.a.keys.rotate(key('c', 1400), 500)).toHaveLength(1)
      expect((await fixture.a.keys.rotate(key('d', 1500), 500)).map((k) => k.kid)[0]).toBe('d')
      await fixture.b.keys.rotate(key('d', 1500), 0)
      const last = await fixture.b.keys.rotate(key('e', 2500), 500)
      expect(last).toEqual([key('e', 2500), key('d', 1500)])
      expect(await fixture.a.keys.list()).toEqual(last)
    })
  })

  describe('progress', () => {
    test('the latest progress report of each peer reaches the other replicas, and is not echoed', async () => {
      const [heard, own]: [ProgressReport[], ProgressReport[]] = [[], []]
      fixture.b.progress.subscribe((report) => heard.push(report))
      fixture.a.progress.subscribe((report) => own.push(report))
      const file = { group: 'constructor', fileId: 'a'.repeat(64), parts: '/w==', down: 5, up: 0 }
      const report = (peer: string, held: number) => ({ peer, user: 'ann', files: [{ ...file, held }] })
      fixture.a.progress.push(report('p', 0))
      fixture.a.progress.push(report('q', 7))
      fixture.a.progress.push(report('p', 1))
      await until(() => heard.length === 2)
      fixture.a.progress.push({ peer: 'p', user: 'ann', files: [] })
      await until(() => heard.length === 3)
      expect(heard).toEqual([report('p', 1), report('q', 7), { peer: 'p', user: 'ann', files: [] }])
      expect(own).toEqual([])
    })
  })

  describe('presence', () => {
    const id = 'a'.repeat(64)
    const whole: ServedFiles[] = [{ group: 'constructor', complete: id, partial: '' }]
    const part: ServedFiles[] = [{ group: 'constructor', complete: '', partial: id }]
    const peerOf = (name: string): string => createHash('sha256').update(name).digest('hex')
    const announce = (sequence: number, files: ServedFiles[], peer: string): PresenceChange => ({
      type: 'announce',
      presence: {
        peer,
        user: 'ann',
        host: '10.0.0.1',
        port: 9000,
        tls: true,
        sequence,
        seen: Date.now(),
        files,
      },
    })
    async function loaded(peer: string): Promise<PeerPresence | undefined> {
      for await (const presence of fixture.b.presence.load()) if (presence.peer === peer) return presence
      return undefined
    }

    test('presence announced to one replica reaches the others, and is loaded by a replica that starts later', async () => {
      const peer = peerOf(fresh('peer'))
      const heard: (PresenceChange | null)[] = []
      const own: (PresenceChange | null)[] = []
      fixture.b.presence.subscribe((change) => heard.push(change))
      fixture.a.presence.subscribe((change) => own.push(change))
      const first = announce(1, whole, peer)
      fixture.a.presence.push(first)
      await until(() => heard.length > 0)
      expect(heard).toEqual([first])
      await until(async () => (await loaded(peer)) !== undefined)
      expect(await loaded(peer)).toEqual(first.type === 'announce' && first.presence)
      const seen = Date.now() + 1
      fixture.a.presence.push({ type: 'heartbeat', peer, sequence: 1, seen })
      await until(async () => (await loaded(peer))?.seen === seen)
      expect((await loaded(peer))?.files).toEqual(whole)
      expect(own).toEqual([])
    })

    test('an older announce does not undo a newer one, and a peer that said goodbye is removed', async () => {
      const peer = peerOf(fresh('peer'))
      fixture.a.presence.push(announce(5, whole, peer))
      await until(async () => (await loaded(peer)) !== undefined)
      fixture.b.presence.push(announce(4, part, peer))
      const marker = peerOf(fresh('peer'))
      fixture.b.presence.push(announce(1, [], marker))
      await until(async () => (await loaded(marker)) !== undefined)
      expect((await loaded(peer))?.files).toEqual(whole)
      fixture.b.presence.push({ type: 'gone', peer, sequence: 6, seen: Date.now() })
      await until(async () => (await loaded(peer)) === undefined)
    })

    test('the next heartbeat restores presence that Redis lost', async () => {
      const peer = peerOf(fresh('peer'))
      const first = announce(1, part, peer)
      fixture.a.presence.push(first)
      await until(async () => (await loaded(peer)) !== undefined)
      expect(await fixture.raw.pttl(presenceKey(peer))).toBeLessThanOrEqual(fixture.a.presence.expiryMs)
      await fixture.raw.del(presenceKey(peer))
      expect(await loaded(peer)).toBeUndefined()
      const seen = Date.now()
      const announced = first.type === 'announce' ? first.presence : undefined
      // To the replica that did not receive the announce.
      fixture.b.presence.push({ type: 'heartbeat', peer, sequence: 1, seen, ...(announced && { announced }) })
      await until(async () => (await loaded(peer)) !== undefined)
      expect(await loaded(peer)).toMatchObject({ seen, files: part })
    })

    test('a replica that starts finds all of a thousand peers that announced at once', async () => {
      const name = fresh('many')
      const peers = Array.from({ length: 1000 }, (_, i) => peerOf(`${name}-${i}`))
      for (const peer of peers) fixture.a.presence.push(announce(1, whole, peer))
      await until(async () => {
        const there = new Set<string>()
        for await (const { peer } of fixture.b.presence.load()) there.add(peer)
        return peers.every((peer) => there.has(peer))
      })
    })
  })

  test('unreadable changes do not end a process or hold back valid ones', async () => {
    const [bad, good] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
    const seen = Date.now()
    const presence = (peer: string, sequence: number): PresenceChange => ({
      type: 'announce',
      presence: { peer, sequence, seen, user: 'ann', host: '10.0.0.1', port: 1, tls: true, files: [] },
    })
    const heard: (PresenceChange | null)[] = []
    fixture.b.presence.subscribe((change) => heard.push(change))
    fixture.a.presence.push(presence(bad, 1e22))
    fixture.a.presence.push({ type: 'heartbeat', peer: bad, sequence: Number.NaN, seen })
    fixture.a.presence.push({ type: 'gone', peer: `${bad} `, sequence: -1, seen: Number.NaN })
    await fixture.raw.publish(PRESENCE_CHANNEL, 'no JSON')
    await fixture.raw.publish(PRESENCE_CHANNEL, '{"from":"c","changes":[null,{"type":"announce"}]}')
    await fixture.raw.publish(PROGRESS_CHANNEL, '{"from":"c"}')
    fixture.a.presence.push(presence(good, 1))
    await until(() => heard.some((change) => change?.type === 'announce' && change.presence?.peer === good))
    await until(async () => (await fixture.b.presence.read([good])).length === 1)
  })

  describe('replicas', () => {
    test('joined replicas are listed with their lag until they leave', async () => {
      const guest = await openStore({ redis: fixture.url, replicaId: 'guest' })
      await fixture.a.replicas.join(() => replicaInfo('a'))
      await guest.replicas.join(() => replicaInfo('guest'))
      const ids = async () => (await fixture.b.replicas.list()).map((replica) => replica.id).sort()
      expect(await ids()).toEqual(['a', 'guest'])
      expect(await fixture.b.replicas.list()).toContainEqual({ ...replicaInfo('a'), revisionLag: 0 })
      await guest.close()
      expect(await ids()).toEqual(['a'])
      await fixture.raw.sadd('{replicas}', 'crashed')
      expect(await ids()).toEqual(['a'])
    })

    test('the state of Redis and the totals of all groups are reported', async () => {
      const kind = parseRedisUrl(fixture.url).kind
      const status = await fixture.a.status()
      expect(status).toEqual({
        kind,
        masters: kind === 'cluster' ? 3 : 1,
        copies: 0,
        memory: expect.any(Number),
      })
      expect(status.memory).toBeGreaterThan(100_000)
      const before = await fixture.a.groups.totals()
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann', 'bob')
      await fixture.a.groups.publish(by('ann'), group, [newFile('one'), newFile('two')])
      const after = await fixture.b.groups.totals()
      expect(after.files - before.files).toBe(2)
      expect(after.changes - before.changes).toBe(5)
      expect(after.longestStream).toBeGreaterThan(4000)
    })

    test('a replica is ready while its views are current', async () => {
      const group = fresh('g')
      await fixture.a.groups.create(by('ann'), group)
      await fixture.b.groups.view(group)
      for (let i = 0; i < 20; i++) {
        await fixture.a.groups.request(by(`user${i}-${randomBytes(2).toString('hex')}`), group)
        expect(await fixture.b.ready()).toBe(true)
      }
      expect((await fixture.b.groups.view(group))?.revision).toBe(21)
    })
  })
}
