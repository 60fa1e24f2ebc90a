import fc from 'fast-check'
import type { FileProgress, ProgressReport } from '../../../../protocol/records.ts'
import { FORGOTTEN_MS, ProgressTable } from '../../../../tracker/presence/progress-table.ts'

const moving = (fileId: string, change: Partial<FileProgress> = {}): FileProgress => ({
  group: 'team',
  fileId,
  held: 1,
  parts: '/w==',
  down: 10,
  up: 0,
  ...change,
})
const report = (peer: string, ...files: FileProgress[]): ProgressReport => ({ peer, user: 'ann', files })
const peersOf = (table: ProgressTable, fileId: string, now: number): string[] =>
  [...table.ofFile('team', fileId, now).keys()].sort()

test('a report replaces the peer’s previous one, and an empty report removes it', () => {
  const table = new ProgressTable()
  table.take(report('p', moving('a'), moving('b')), 0)
  table.take(report('q', moving('a')), 0)
  table.take(report('p', moving('b', { held: 2 })), 1)
  expect(peersOf(table, 'a', 1)).toEqual(['q'])
  expect(table.ofFile('team', 'b', 1).get('p')).toMatchObject({ user: 'ann', held: 2 })
  table.take(report('p'), 2)
  expect([peersOf(table, 'b', 2), table.peerCount]).toEqual([[], 1])
  expect([...table.ofGroup('team', 2).keys()]).toEqual(['a'])
})

test('a silent peer expires within a second after ten seconds, a reporting peer does not', () => {
  const table = new ProgressTable()
  table.take(report('p', moving('a')), 100_000)
  table.take(report('q', moving('a')), 100_000)
  table.take(report('q', moving('a')), 100_000 + FORGOTTEN_MS / 2)
  expect(peersOf(table, 'a', 100_000 + FORGOTTEN_MS)).toEqual(['p', 'q'])
  expect(peersOf(table, 'a', 101_000 + FORGOTTEN_MS)).toEqual(['q'])
  expect(peersOf(table, 'a', 102_000 + 2 * FORGOTTEN_MS)).toEqual([])
  expect([table.peerCount, table.ofGroup('team', 200_000).size]).toEqual([0, 0])
})

test('there is room for 4,000 peers: more are refused until others finish, and known peers continue', () => {
  const table = new ProgressTable()
  for (let i = 0; i < 4000; i++) expect(table.take(report(`p${i}`, moving('a')), 0)).toBe(true)
  expect(table.take(report('late', moving('a')), 1)).toBe(false)
  expect(table.take(report('p7', moving('b')), 1)).toBe(true)
  expect(table.take(report('nothing to say'), 1)).toBe(true)
  expect(table.peerCount).toBe(4000)
  table.take(report('p0'), 2)
  expect(table.take(report('late', moving('a')), 2)).toBe(true)
})

test('there is room for 50,000 files: a report that would exceed it is refused as a whole', () => {
  const table = new ProgressTable()
  const many = (peer: number): FileProgress[] => Array.from({ length: 64 }, (_, i) => moving(`${peer}-${i}`))
  let peers = 0
  while (table.take(report(`p${peers}`, ...many(peers)), 0)) peers++
  expect(peers).toBe(Math.floor(50_000 / 64))
  expect(table.ofFile('team', `${peers}-0`, 0).size).toBe(0)
  expect(table.take(report('p0', moving('a')), 0)).toBe(true)
  expect(table.take(report('other', ...many(peers)), 0)).toBe(true)
})

test('a file’s entry equals each peer’s latest report on it, in any order of reports', () => {
  const ids = fc.subarray(['a', 'b', 'c'])
  const step = fc.record({ peer: fc.constantFrom('p', 'q', 'r'), ids, wait: fc.nat(6000) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const table = new ProgressTable()
      const last = new Map<string, { at: number; ids: string[] }>()
      let now = 1_000_000
      for (const { peer, ids, wait } of steps) {
        now += wait
        table.take(report(peer, ...ids.map((id) => moving(id))), now)
        last.set(peer, { at: now, ids })
        for (const id of ['a', 'b', 'c']) {
          const told = peersOf(table, id, now)
          for (const [each, said] of last) {
            const age = now - said.at
            if (said.ids.includes(id) && age <= FORGOTTEN_MS) expect(told).toContain(each)
            if (!said.ids.includes(id) || age > FORGOTTEN_MS + 1000) expect(told).not.toContain(each)
          }
        }
      }
    }),
    { verbose: 1 },
  )
})
