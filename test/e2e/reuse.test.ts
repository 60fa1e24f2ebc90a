import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'
import { makeFolder, treeOf } from '../support/folders.ts'

const CHUNK = 512 * 1024
/** The last chunk of a stream, which holds the manifest, is always fetched. */
const LAST = CHUNK
const world = new World()
let ada: Home
let bob: Home
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  await ada.ok('peer start --detach')
  await bob.ok('peer start --detach')
}, 60_000)
afterAll(() => world.close())

interface Downloaded {
  bytesFetched: number
  bytesReused: number
  reusedFrom: string[]
}

interface Uploaded {
  fileId: string
  version: number
}

const upload = async (path: string, as: string): Promise<Uploaded[]> =>
  (await ada.ok<{ files: Uploaded[] }>(['peer', 'upload', path, '--group', 'team', '--as', as])).files
const download = async (name: string, output: string, ...words: string[]): Promise<Downloaded> => {
  const command = ['peer', 'download', `team:${name}`, '-o', output, ...words]
  return (await bob.ok<{ files: [Downloaded] }>(command)).files[0]
}

/** Files of less than a chunk, which share their chunks with others. */
const small = (count: number): Record<string, Buffer> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`small/f${i}`, randomBytes(20_000 + i)]))

test('a snapshot fetches no file that another snapshot of this home has', async () => {
  const shared = { ...small(150), big: randomBytes(3 * CHUNK + 1000) }
  await upload(makeFolder(join(ada.folder, 'one'), { ...shared, 'only/one': 'one' }), 'one')
  await download('one', join(bob.folder, 'one'))
  const moved = Object.fromEntries(Object.entries(shared).map(([path, data]) => [`lib/${path}`, data]))
  const two = makeFolder(join(ada.folder, 'two'), { ...moved, 'a first one': randomBytes(1000) })
  chmodSync(join(two, 'lib/big'), 0o755)
  await upload(two, 'two')
  const out = join(bob.folder, 'two')
  const got = await download('two', out)
  expect(treeOf(out)).toEqual(treeOf(two))
  expect(got.bytesFetched).toBeLessThanOrEqual(CHUNK + LAST)
  expect(got.reusedFrom).toEqual([join(bob.folder, 'one')])
})

test('the same snapshot in a second folder is a local copy', async () => {
  const root = makeFolder(join(ada.folder, 'twice'), { ...small(50), big: randomBytes(2 * CHUNK + 5) })
  await upload(root, 'twice')
  await download('twice', join(bob.folder, 'first'))
  const again = await download('twice', join(bob.folder, 'second'))
  expect(again.bytesFetched).toBe(0)
  expect(treeOf(join(bob.folder, 'second'))).toEqual(treeOf(root))
})

test('a downloaded folder that is published again is the same snapshot', async () => {
  const root = makeFolder(join(ada.folder, 'again'), { 'sub/file': 'f', big: randomBytes(CHUNK + 1) })
  symlinkSync('sub', join(root, 'link'))
  const [first] = await upload(root, 'again')
  const out = join(bob.folder, 'again')
  await download('again', out)
  const command = ['peer', 'upload', out, '--group', 'team', '--as', 'again']
  const same = { files: [{ fileId: first!.fileId, version: 1 }] }
  expect(await bob.ok(command)).toMatchObject(same)
  // Times as a float holds them, which is all that some runtimes can set.
  for (const path of ['big', 'sub', 'link']) {
    const time = lstatSync(join(root, path)).mtimeMs / 1000
    lutimesSync(join(out, path), time, time)
  }
  expect(await bob.ok(command)).toMatchObject(same)
})

test('a file that has another name in the next version is not fetched again', async () => {
  const root = makeFolder(join(ada.folder, 'renamed'), { ...small(150), big: randomBytes(CHUNK + 77) })
  await upload(root, 'renamed')
  const out = join(bob.folder, 'renamed')
  await download('renamed', out)
  renameSync(join(root, 'small'), join(root, 'tiny'))
  renameSync(join(root, 'big'), join(root, 'large'))
  await upload(root, 'renamed')
  expect((await download('renamed', out)).bytesFetched).toBeLessThanOrEqual(LAST)
  expect(treeOf(out)).toEqual(treeOf(root))
})

test('a snapshot fetches no file that this home has as a plain file', async () => {
  const files = { big: randomBytes(4 * CHUNK + 9000), 'sub/little': randomBytes(30_000) }
  for (const [path, data] of Object.entries(files)) {
    const name = path.replace('/', '-')
    writeFileSync(join(ada.folder, name), data)
    await upload(join(ada.folder, name), `plain-${name}`)
    await download(`plain-${name}`, join(bob.folder, name))
  }
  const root = makeFolder(join(ada.folder, 'holds'), files)
  await upload(root, 'holds')
  const out = join(bob.folder, 'holds')
  const got = await download('holds', out)
  expect(got.bytesFetched).toBeLessThanOrEqual(LAST)
  expect(got.bytesReused).toBeGreaterThan(4 * CHUNK)
  expect(treeOf(out)).toEqual(treeOf(root))
})

test('a local file that was altered without a trace is not taken, but fetched', async () => {
  const shared = small(150)
  await upload(makeFolder(join(ada.folder, 'true'), { ...shared, one: 'one' }), 'true')
  const first = join(bob.folder, 'true')
  await download('true', first)
  const altered = join(first, 'small/f7')
  const { size, atime, mtime } = statSync(altered)
  writeFileSync(altered, randomBytes(size))
  utimesSync(altered, atime, mtime)
  rmSync(join(first, 'small/f9'))
  mkdirSync(join(first, 'small/f9'))
  const root = makeFolder(join(ada.folder, 'other'), { ...shared, two: 'two' })
  await upload(root, 'other')
  const out = join(bob.folder, 'other')
  const got = await download('other', out)
  expect(readFileSync(join(out, 'small/f7'))).toEqual(shared['small/f7'])
  expect(treeOf(out)).toEqual(treeOf(root))
  expect(got.bytesFetched).toBeLessThanOrEqual(2 * CHUNK + LAST)
})
