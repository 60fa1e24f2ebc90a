import fc from 'fast-check'
import { SwarmTable } from '../../../../tracker/presence/swarm-table.ts'
import type { PeerPresence, ServedFiles } from '../../../../tracker-store/store.ts'

const FILE = 'a'.repeat(64)
const OTHER = 'b'.repeat(64)
const whole = (group: string, complete = FILE): ServedFiles => ({ group, complete, partial: '' })
const part = (group: string, partial = FILE): ServedFiles => ({ group, complete: '', partial })

function presence(peer: string, change: Partial<PeerPresence> = {}): PeerPresence {
  const address = { host: '10.0.0.1', port: 4000, tls: true }
  return { peer, user: 'ann', ...address, sequence: 1, seen: 1000, files: [whole('team')], ...change }
}

function tableOf(...peers: PeerPresence[]): SwarmTable {
  const table = new SwarmTable()
  for (const peer of peers) table.apply({ type: 'announce', presence: peer })
  return table
}

const peersOf = (table: SwarmTable, group: string): string[] =>
  [...table.swarm(group, FILE)].map(([{ peer }]) => peer)

test('an announce replaces the set of its peer', () => {
  const table = tableOf(presence('p'), presence('p', { sequence: 2, files: [part('team', OTHER)] }))
  expect(table.counts('team', FILE)).toEqual({ seeders: 0, leechers: 0 })
  expect(table.counts('team', OTHER)).toMatchObject({ seeders: 0, leechers: 1 })
})

test('an announce of the same files with another address updates the peer in its swarms', () => {
  const table = tableOf(presence('p'), presence('q'), presence('p', { sequence: 2, port: 5000 }))
  const found = [...table.swarm('team', FILE)].map(([{ peer, port }]) => [peer, port])
  expect(found).toEqual([
    ['p', 5000],
    ['q', 4000],
  ])
  expect(table.counts('team', FILE)).toMatchObject({ seeders: 2, leechers: 0 })
})

test('an older announce, a heartbeat of another sequence and an older goodbye have no effect', () => {
  const table = tableOf(presence('p', { sequence: 5 }))
  expect(table.apply({ type: 'announce', presence: presence('p', { sequence: 4, files: [] }) })).toBe(false)
  expect(table.apply({ type: 'heartbeat', peer: 'p', sequence: 4, seen: 9000 })).toBe(false)
  expect(table.apply({ type: 'gone', peer: 'p', sequence: 4, seen: 9000 })).toBe(false)
  expect(peersOf(table, 'team')).toEqual(['p'])
})

test('a peer that says goodbye leaves all its swarms at once', () => {
  const table = tableOf(presence('p'), presence('q'))
  expect(table.apply({ type: 'gone', peer: 'p', sequence: 1, seen: 1001 })).toBe(true)
  expect(peersOf(table, 'team')).toEqual(['q'])
  expect(table.peerCount).toBe(1)
})

test('the peers of a user who left a group leave its swarms but stay in those of other groups', () => {
  const files = [whole('team'), whole('other')]
  const table = tableOf(presence('p', { files }), presence('q', { user: 'bob', files }))
  table.expel('team', new Set(['ann', 'carl']))
  expect(table.counts('team', FILE)).toMatchObject({ seeders: 1, leechers: 0 })
  expect(peersOf(table, 'other')).toEqual(['p', 'q'])
  // The user may rejoin without a change of the peer's set.
  expect(table.apply({ type: 'heartbeat', peer: 'p', sequence: 1, seen: 2000 })).toBe(false)
  table.apply({ type: 'announce', presence: presence('p', { files }) })
  expect(peersOf(table, 'team')).toEqual(['q', 'p'])
})

test('a heartbeat keeps all files of its peer alive, and silence expires them', () => {
  const table = tableOf(presence('p'), presence('q'))
  table.apply({ type: 'heartbeat', peer: 'p', sequence: 1, seen: 20_000 })
  table.expire(15_000)
  expect(peersOf(table, 'team')).toEqual(['p'])
  table.expire(21_000)
  expect(table.counts('team', FILE)).toEqual({ seeders: 0, leechers: 0 })
  expect(table.peerCount).toBe(0)
})

test('counts and peers agree after any changes', () => {
  const peers = fc.constantFrom('p', 'q', 'r')
  const stamp = { sequence: fc.nat(3), seen: fc.integer({ min: 0, max: 20_000 }) }
  const ids = fc.array(fc.constantFrom(FILE, OTHER)).map((list) => list.join(''))
  const groups = fc.constantFrom('team', 'other')
  const files = fc.array(fc.record({ group: groups, complete: ids, partial: ids }), { maxLength: 3 })
  const steps = fc.oneof(
    fc
      .record({ peer: peers, ...stamp, files })
      .map((p) => ({ type: 'announce', presence: presence(p.peer, p) }) as const),
    fc.record({ type: fc.constant('heartbeat' as const), peer: peers, ...stamp }),
    fc.record({ type: fc.constant('gone' as const), peer: peers, ...stamp }),
    fc.record({ type: fc.constant('expire' as const), time: fc.integer({ min: 0, max: 30_000 }) }),
  )
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (changes) => {
      const table = new SwarmTable()
      for (const change of changes) {
        if (change.type === 'expire') table.expire(change.time)
        else table.apply(change)
      }
      const swarms = ['team', 'other'].flatMap((group) => [FILE, OTHER].map((id) => [group, id] as const))
      for (const [group, id] of swarms) {
        const complete = [...table.swarm(group, id)].map(([, whole]) => whole)
        const seeders = complete.filter(Boolean).length
        expect(table.counts(group, id)).toMatchObject({ seeders, leechers: complete.length - seeders })
        for (const peer of ['p', 'q', 'r']) {
          const said = table.peer(peer)?.files.filter((served) => served.group === group)
          const inIt = [...table.swarm(group, id)].find(([each]) => each.peer === peer)
          const isIn = said?.some((served) => `${served.complete}${served.partial}`.includes(id)) ?? false
          expect(inIt !== undefined).toBe(isIn)
          // Of duplicates, the last entry wins.
          if (inIt)
            expect(inIt[1]).toBe(
              !said?.findLast((one) => `${one.complete}${one.partial}`.includes(id))?.partial.includes(id),
            )
        }
      }
      const filled = swarms.filter(([group, id]) => [...table.swarm(group, id)].length > 0)
      expect(table.swarmCount).toBe(filled.length)
    }),
  )
})
