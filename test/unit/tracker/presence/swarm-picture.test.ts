import { allParts } from '../../../../protocol/parts.ts'
import type { Moving } from '../../../../tracker/presence/progress-table.ts'
import { movingSwarms, swarmPicture } from '../../../../tracker/presence/swarm-picture.ts'
import { SortedFiles } from '../../../../tracker-store/groups/file-index.ts'
import type { GroupView } from '../../../../tracker-store/groups/group-view.ts'
import type { PeerPresence } from '../../../../tracker-store/store.ts'

const CHUNKS = 3
const address = { host: '10.0.0.1', port: 4000, tls: true, sequence: 1, seen: 1, files: [] }
const peer = (id: string, complete: boolean, user = 'ann'): [PeerPresence, boolean] => [
  { peer: id, user, ...address },
  complete,
]
const said = (change: Partial<Moving> = {}): Moving => ({
  user: 'ann',
  group: 'team',
  fileId: 'f',
  held: 1,
  parts: '/wAA',
  down: 0,
  up: 0,
  ...change,
})

test('a seed is shown as complete whatever it reports, and a silent peer is shown without parts', () => {
  const peers = [peer('silent', false), peer('seed', true), peer('busy', false), peer('quiet', true)]
  const reported = new Map([
    ['busy', said({ down: 30, up: 5 })],
    ['seed', said({ held: 2, up: 40 })],
    ['gone', said({ down: 1000 })],
  ])
  expect(swarmPicture(peers, reported, CHUNKS)).toEqual({
    total: 4,
    seeds: 2,
    leechers: 2,
    down: 30,
    up: 45,
    peers: [
      { peer: 'seed', user: 'ann', seed: true, held: 3, parts: allParts(3), down: 0, up: 40 },
      { peer: 'quiet', user: 'ann', seed: true, held: 3, parts: allParts(3), down: 0, up: 0 },
      { peer: 'busy', user: 'ann', seed: false, held: 1, parts: '/wAA', down: 30, up: 5 },
      { peer: 'silent', user: 'ann', seed: false, held: null, parts: '', down: 0, up: 0 },
    ],
  })
})

test('a report by another user with the same key is not shown', () => {
  const picture = swarmPicture([peer('p', false, 'bob')], new Map([['p', said({ down: 9 })]]), CHUNKS)
  expect(picture).toMatchObject({ down: 0, peers: [{ user: 'bob', held: null, down: 0 }] })
})

const many = (count: number, complete: boolean) =>
  Array.from({ length: count }, (_, i) =>
    peer(`${complete ? 's' : 'l'}${String(i).padStart(5, '0')}`, complete),
  )

test.each([
  [100, 100, 25, 25],
  [100, 10, 40, 10],
  [10, 100, 10, 40],
  [0, 100, 0, 50],
  [100, 0, 50, 0],
  [20, 30, 20, 30],
])('of %d seeds and %d others, %d and %d are shown', (seeds, others, shownSeeds, shownOthers) => {
  const { peers, total } = swarmPicture([...many(others, false), ...many(seeds, true)], new Map(), CHUNKS)
  expect(total).toBe(seeds + others)
  const shown = (seed: boolean): number => peers.filter((each) => each.seed === seed).length
  expect([shown(true), shown(false)]).toEqual([shownSeeds, shownOthers])
})

test('the fastest peers are shown, and their order is stable', () => {
  const reported = new Map([
    ['l00090', said({ down: 7 })],
    ['l00080', said({ down: 9 })],
    ['l00070', said({ held: 2 })],
  ])
  const names = (of: [PeerPresence, boolean][]) =>
    swarmPicture(of, reported, CHUNKS).peers.map((each) => each.peer)
  const all = many(100, false)
  expect(names(all).slice(0, 4)).toEqual(['l00080', 'l00090', 'l00070', 'l00000'])
  expect(names(all.toReversed())).toEqual(names(all))
})

test('the list has the files that members transfer, by name, the busiest first', () => {
  const record = (name: string, fileId: string) => ({
    name,
    fileId,
    size: 1_500_000,
    version: 1,
    uploader: 'ann',
    added: '2026-01-01T00:00:00.000Z',
  })
  const view = {
    group: 'team',
    files: SortedFiles.from([record('slow', 'a'), record('fast', 'b'), record('theirs', 'c')]),
    members: new Map([['ann', {}]]),
  } as unknown as GroupView
  const reported = new Map([
    ['a', new Map([['p', said({ down: 1 })]])],
    [
      'b',
      new Map([
        ['p', said({ down: 2 })],
        ['q', said({ down: 3, up: 4 })],
        ['r', said({ user: 'bob', down: 99 })],
      ]),
    ],
    ['c', new Map([['r', said({ user: 'bob', down: 99 })]])],
    ['removed', new Map([['p', said()]])],
  ])
  const counts = { seeders: 1, leechers: 2 }
  const shape = { size: 1_500_000, chunks: 3, seeds: 1, leechers: 2 }
  expect(movingSwarms(view, reported, () => counts)).toEqual({
    swarms: [
      { fileId: 'b', name: 'fast', ...shape, down: 5, up: 4 },
      { fileId: 'a', name: 'slow', ...shape, down: 1, up: 0 },
    ],
    total: 2,
  })
})
