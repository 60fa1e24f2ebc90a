import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../../protocol/merkle.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'

const MIB = 1024 * 1024
const world = new World()
let ada: Home
let bob: Home
const large = randomBytes(4 * MIB + 1)

interface Listing {
  name: string
  version: number
  path: string
  entries: { path: string; kind: string; mode: string | null; size?: number; mtime: string }[]
}

beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  await ada.ok('peer start --detach')
  await bob.ok('peer start --detach')
  const one = join(ada.folder, 'one')
  mkdirSync(join(one, 'lib/deep'), { recursive: true })
  mkdirSync(join(one, 'bin'))
  writeFileSync(join(one, 'bin/tool'), 'tool')
  chmodSync(join(one, 'bin/tool'), 0o755)
  writeFileSync(join(one, 'lib/large'), large)
  writeFileSync(join(one, 'lib/deep/note'), 'note')
  symlinkSync('bin/tool', join(one, 'run'))
  utimesSync(join(one, 'bin/tool'), 1_700_000_000.5, 1_700_000_000.5)
  const two = join(ada.folder, 'two')
  cpSync(one, two, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  appendFileSync(join(two, 'lib/deep/note'), ' more')
  chmodSync(join(two, 'lib/large'), 0o600)
  writeFileSync(join(two, 'lib/new'), 'new')
  await ada.ok('peer upload one --group team --as app')
  await ada.ok('peer upload two --group team --as app')
}, 60_000)
afterAll(() => world.close())

/** Part files of downloads in a home. */
const partsOf = (home: Home): string[] =>
  readdirSync(home.folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.includes('.shoal-part'),
  )

test('a snapshot is listed folder by folder, with sizes of all that is below', async () => {
  const top = await bob.ok<Listing>('group ls team:app@1')
  expect(top).toMatchObject({ name: 'app', version: 1, path: '' })
  expect(top.entries.map(({ path, kind, mode, size }) => [path, kind, mode, size])).toEqual([
    ['bin', 'folder', '0755', 4],
    ['lib', 'folder', '0755', large.length + 4],
    ['run', 'link', null, undefined],
  ])
  expect(top.entries[2]).toMatchObject({ target: 'bin/tool' })
  const lib = await bob.ok<Listing>('group ls team:app@1/lib/')
  expect(lib.entries.map(({ path }) => path)).toEqual(['lib/deep', 'lib/large'])
  expect(lib.entries[1]).toMatchObject({ size: large.length, sha256: sha256(large).toString('hex') })
  const all = await bob.ok<Listing>('group ls team:app@1 --recursive')
  expect(all.entries.map(({ path }) => path)).toEqual([
    ...['bin', 'bin/tool', 'lib', 'lib/deep', 'lib/deep/note', 'lib/large', 'run'],
  ])
  const tool = await bob.ok<Listing>('group ls team:app/bin/tool')
  expect(tool).toMatchObject({ version: 2, path: 'bin/tool' })
  expect(tool.entries).toEqual([
    expect.objectContaining({ kind: 'file', mode: '0755', size: 4, mtime: '2023-11-14T22:13:20.500000000Z' }),
  ])
})

test('a listing for people shows kinds, modes, sizes, times and targets of links', async () => {
  const { stdout } = await bob.run('group ls team:app@1 -r')
  const lines = stdout.toString().split('\n')
  expect(lines[0]).toMatch(/^KIND +MODE +SIZE +MODIFIED +NAME$/)
  expect(lines[2]).toMatch(/^file +rwxr-xr-x +4 B +2023-11-14T22:13:20Z +bin\/tool$/)
  expect(lines[7]).toMatch(/^link +- +- +\S+ +run -> bin\/tool$/)
  expect(lines[8]).toBe('app version 1: 7 entries, 4.0 MiB')
})

test('only the manifest is fetched, once, and then it is listed without any peer', async () => {
  const carol = await world.home('carol').join('carol')
  await ada.admit('team', carol)
  const events = (await carol.run('group ls team:app@1 --progress ndjson')).stderr.split('\n').filter(Boolean)
  const totals = events
    .map((line) => JSON.parse(line))
    .flatMap(({ event, total }) => (event === 'start' ? [total] : []))
  // The chunk in which the manifest begins, and none of the eight before it.
  expect(totals).toEqual([expect.any(Number)])
  expect(totals[0]).toBeLessThan(MIB / 2)
  expect(existsSync(join(carol.folder, 'peer.sock'))).toBe(false)
  expect(readdirSync(join(carol.folder, 'trees'))).toHaveLength(1)
  expect(partsOf(carol)).toEqual([])
  expect((await carol.run('group ls team:app@1 --progress ndjson')).stderr).toBe('')
})

test('commands that list and download the same snapshot at once share one manifest', async () => {
  mkdirSync(join(ada.folder, 'many'))
  for (let i = 0; i < 300; i++) writeFileSync(join(ada.folder, `many/file ${i}`), `content ${i}`)
  await ada.ok('peer upload many --group team')
  await Promise.all([
    ...[0, 1, 2].map(() => bob.ok<Listing>('group ls team:many')),
    bob.ok('peer download team:many -o many-1'),
    bob.ok('peer download team:many -o many-2'),
  ])
  expect(readdirSync(join(bob.folder, 'many-2'))).toHaveLength(300)
  expect(partsOf(bob)).toEqual([])
})

test('what is no snapshot, or not in it, is refused with a hint', async () => {
  writeFileSync(join(ada.folder, 'plain'), 'plain')
  await ada.ok('peer upload plain --group team')
  expect(await bob.fails('group ls team:plain')).toMatchObject({ exit: 2, code: 'USAGE' })
  expect(await bob.fails('group ls team:app/none')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
  expect(await bob.fails('group ls team:app@9')).toMatchObject({ exit: 5, code: 'VERSION_NOT_FOUND' })
  expect(await bob.fails('group ls team:none')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
})

test('a snapshot that nobody serves is not listed', async () => {
  const dave = await world.home('dave').join('dave')
  await ada.admit('team', dave)
  mkdirSync(join(dave.folder, 'away'))
  writeFileSync(join(dave.folder, 'away/x'), 'x')
  await dave.ok('peer upload away --group team --once')
  expect(await bob.fails('group ls team:away --wait 0')).toMatchObject({ exit: 8, code: 'NO_PEER' })
}, 30_000)

test('two versions differ in what was added, removed and changed', async () => {
  const { summary, changes, before, after } = await bob.ok<{
    summary: object
    before: object
    after: object
    changes: { change: string; properties?: string[]; before?: { path: string }; after?: { path: string } }[]
  }>('group diff team:app@1 team:app@2 --ignore-times')
  expect([before, after]).toMatchObject([{ version: 1 }, { version: 2 }])
  expect(changes.map(({ change, properties, after }) => [change, after?.path, properties])).toEqual([
    ['changed', 'lib/deep/note', ['content']],
    ['changed', 'lib/large', ['mode']],
    ['added', 'lib/new', undefined],
  ])
  expect(summary).toMatchObject({ added: 1, removed: 0, changed: 2, bytesAdded: 12, bytesRemoved: 4 })
})

test('a difference is shown in words, and --stat shows the counts alone', async () => {
  const text = (await bob.run('group diff team:app@1 --ignore-times')).stdout.toString().split('\n')
  expect(text[1]).toMatch(/^changed +file +lib\/deep\/note +content 4 B to 9 B$/)
  expect(text[2]).toMatch(/^changed +file +lib\/large +mode rw-r--r-- to rw-------$/)
  const stat = (await bob.run('group diff team:app@1 team:app@2 --stat --ignore-times')).stdout.toString()
  expect(stat).toBe(
    'app version 1 to app version 2: 1 added, 0 removed, 2 changed (content 1, mode 1), +12 B -4 B\n',
  )
  const same = await bob.run('group diff team:app@2 team:app')
  expect(same.stdout.toString()).toBe('app version 2 and app version 2 have no differences\n')
})

test('a folder of one version is compared with a folder of another', async () => {
  const { changes } = await bob.ok<{ changes: object[] }>(
    'group diff team:app@1/lib/deep team:app@2/lib/deep',
  )
  expect(changes).toMatchObject([{ change: 'changed', after: { path: 'lib/deep/note' } }])
  expect(await bob.fails('group diff team:app@1/lib/new')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
})

test('a peer shows one row for a snapshot of many files, and the group shows its kind and entries', async () => {
  mkdirSync(join(ada.folder, 'rows'))
  for (let i = 0; i < 50; i++) writeFileSync(join(ada.folder, `rows/${i}`), `row ${i}`)
  await ada.ok('peer upload rows --group team')
  const status = await ada.ok<{ seeding: { name: string; entries?: number }[]; rates: object }>('peer status')
  expect(status.seeding.filter(({ name }) => name.startsWith('rows'))).toMatchObject([{ entries: 50 }])
  expect(status.rates).toEqual({ down: expect.any(Number), up: expect.any(Number) })
  const text = (await ada.run('peer status')).stdout.toString()
  expect(text).toMatch(/team:rows +snapshot +50 +/)
  expect(text).toMatch(/\d+ snapshots and \d+ files? \(.*\) seeded; 0 downloads; .*\/s down, .*\/s up\n$/)
  expect((await ada.run('group files team rows')).stdout.toString()).toMatch(
    /^NAME +KIND +ENTRIES +SIZE .*\nrows +snapshot +50 +\d/,
  )
})

test('a download of a part of a snapshot is shown with the bytes that it wants', async () => {
  const download = bob.spawn('peer download team:app@1/lib/deep -o slow --max-down 1k')
  const ended = once(download, 'exit')
  const running = async () =>
    (await bob.ok<{ downloads: { total: number; size: number }[] }>('peer status')).downloads
  await until(async () => (await running()).some(({ total }) => total > 0))
  const [{ total, size }] = (await running()) as [{ total: number; size: number }]
  expect(total).toBeLessThan(MIB)
  expect(size).toBeGreaterThan(large.length)
  download.kill('SIGINT')
  await ended
})
