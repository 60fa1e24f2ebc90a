import fc from 'fast-check'
import { SwarmTable, swarmKey } from '../../../../tracker/presence/swarm-table.ts'
import type { PeerPresence } from '../../../../tracker-store/store.ts'

const FILE = swarmKey('team', 'a'.repeat(64))
const OTHER = swarmKey('team', 'b'.repeat(64))

function presence(peer: string, change: Partial<PeerPresence> = {}): PeerPresence {
  const address = { host: '10.0.0.1', port: 4000, tls: true }
  return { peer, user: 'ann', ...address, sequence: 1, seen: 1000, files: new Map([[FILE, true]]), ...change }
}

function tableOf(...peers: PeerPresence[]): SwarmTable {
  const table = new SwarmTable()
  for (const peer of peers) table.apply({ type: 'announce', presence: peer })
  return table
}

const peersOf = (table: SwarmTable, key: string): string[] => [...table.swarm(key)].map(([peer]) => peer.peer)

test('an announce replaces the set of its peer', () => {
  const table = tableOf(presence('p'), presence('p', { sequence: 2, files: new Map([[OTHER, false]]) }))
  expect(table.counts(FILE)).toEqual({ seeders: 0, leechers: 0 })
  expect(table.counts(OTHER)).toMatchObject({ seeders: 0, leechers: 1 })
})

test('an older announce, a heartbeat of another sequence and an older goodbye change nothing', () => {
  const table = tableOf(presence('p', { sequence: 5 }))
  expect(table.apply({ type: 'announce', presence: presence('p', { sequence: 4, files: new Map() }) })).toBe(
    false,
  )
  expect(table.apply({ type: 'heartbeat', peer: 'p', sequence: 4, seen: 9000 })).toBe(false)
  expect(table.apply({ type: 'gone', peer: 'p', sequence: 4, seen: 9000 })).toBe(false)
  expect(peersOf(table, FILE)).toEqual(['p'])
})

test('a peer that says goodbye leaves all its swarms at once', () => {
  const table = tableOf(presence('p'), presence('q'))
  expect(table.apply({ type: 'gone', peer: 'p', sequence: 1, seen: 1001 })).toBe(true)
  expect(peersOf(table, FILE)).toEqual(['q'])
  expect(table.peerCount).toBe(1)
})

test('the peers of a user who left a group leave its swarms, and those of other groups know them still', () => {
  const elsewhere = swarmKey('other', 'a'.repeat(64))
  const files = new Map([FILE, elsewhere].map((key) => [key, true]))
  const table = tableOf(presence('p', { files }), presence('q', { user: 'bob', files }))
  table.expel('team', new Set(['ann', 'carl']))
  expect(table.counts(FILE)).toMatchObject({ seeders: 1, leechers: 0 })
  expect(peersOf(table, elsewhere)).toEqual(['p', 'q'])
  // Its user may be a member again without its set having changed.
  expect(table.apply({ type: 'heartbeat', peer: 'p', sequence: 1, seen: 2000 })).toBe(false)
  table.apply({ type: 'announce', presence: presence('p', { files }) })
  expect(peersOf(table, FILE)).toEqual(['q', 'p'])
})

test('a heartbeat keeps all files of its peer alive, silence ends them', () => {
  const table = tableOf(presence('p'), presence('q'))
  table.apply({ type: 'heartbeat', peer: 'p', sequence: 1, seen: 20_000 })
  table.expire(15_000)
  expect(peersOf(table, FILE)).toEqual(['p'])
  table.expire(21_000)
  expect(table.counts(FILE)).toEqual({ seeders: 0, leechers: 0 })
  expect(table.peerCount).toBe(0)
})

test('counts and peers agree after any changes', () => {
  const ids = fc.constantFrom('p', 'q', 'r')
  const stamp = { sequence: fc.nat(3), seen: fc.integer({ min: 0, max: 20_000 }) }
  const files = fc.array(fc.tuple(fc.constantFrom(FILE, OTHER), fc.boolean())).map((list) => new Map(list))
  const steps = fc.oneof(
    fc
      .record({ peer: ids, ...stamp, files })
      .map((p) => ({ type: 'announce', presence: presence(p.peer, p) }) as const),
    fc.record({ type: fc.constant('heartbeat' as const), peer: ids, ...stamp }),
    fc.record({ type: fc.constant('gone' as const), peer: ids, ...stamp }),
    fc.record({ type: fc.constant('expire' as const), time: fc.integer({ min: 0, max: 30_000 }) }),
  )
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (changes) => {
      const table = new SwarmTable()
      for (const change of changes) {
        if (change.type === 'expire') table.expire(change.time)
        else table.apply(change)
      }
      for (const key of [FILE, OTHER]) {
        const complete = [...table.swarm(key)].map(([, whole]) => whole)
        const seeders = complete.filter(Boolean).length
        expect(table.counts(key)).toMatchObject({ seeders, leechers: complete.length - seeders })
        for (const [peer, whole] of table.swarm(key)) expect(peer.files.get(key)).toBe(whole)
      }
    }),
  )
})
