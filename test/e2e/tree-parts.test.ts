import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { makeFolder, treeOf } from '../support/folders.ts'

const CHUNK = 512 * 1024
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

const upload = (path: string, as: string): Promise<unknown> =>
  ada.ok(['peer', 'upload', path, '--group', 'team', '--as', as])
const words = (name: string, output: string, ...more: string[]): string[] => [
  'peer',
  'download',
  `team:${name}`,
  '-o',
  output,
  ...more,
]
const download = (name: string, output: string, ...more: string[]): Promise<{ files: { path: string }[] }> =>
  bob.ok(words(name, output, ...more))

test('a newer version of a file of a snapshot replaces the older one, and no file of the user', async () => {
  const root = makeFolder(join(ada.folder, 'app'), { 'bin/tool': 'one', other: 'x' })
  await upload(root, 'app')
  const tool = join(bob.folder, 'tool-file')
  await download('app/bin/tool', tool)
  await download('app/bin/tool', tool)
  expect(readFileSync(tool, 'utf8')).toBe('one')
  writeFileSync(join(root, 'bin/tool'), 'version two')
  await upload(root, 'app')
  const { files } = await download('app/bin/tool', tool)
  expect(files).toMatchObject([{ path: tool }])
  expect(readFileSync(tool, 'utf8')).toBe('version two')
  // Deno sets whole milliseconds.
  expect(Math.floor(statSync(tool).mtimeMs)).toBe(Math.floor(statSync(join(root, 'bin/tool')).mtimeMs))
  writeFileSync(tool, 'mine')
  const failure = await bob.fails(words('app/bin/tool', tool))
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(failure.message).toContain('tool-file')
  await download('app/bin/tool', tool, '--force')
  expect(readFileSync(tool, 'utf8')).toBe('version two')
})

test('an existing file with the content of the wanted one is kept, whoever created it', async () => {
  const root = makeFolder(join(ada.folder, 'kept'), { file: 'the same' })
  await upload(root, 'kept')
  const out = join(bob.folder, 'kept-file')
  writeFileSync(out, 'the same')
  const { ino } = statSync(out)
  await download('kept/file', out)
  expect(statSync(out).ino).toBe(ino)
  expect(treeOf(bob.folder)['kept-file']).toBe(treeOf(root).file)
})

test('a file of a snapshot goes into a folder by its own name', async () => {
  await upload(makeFolder(join(ada.folder, 'into'), { 'a/file': 'f', other: '' }), 'into')
  const out = join(bob.folder, 'into')
  mkdirSync(out)
  expect((await download('into/a/file', out)).files).toMatchObject([{ path: join(out, 'file') }])
  await download('into/a/file', `${join(bob.folder, 'into-new')}/`)
  for (const folder of ['into', 'into-new'])
    expect(readFileSync(join(bob.folder, folder, 'file'), 'utf8')).toBe('f')
  expect(existsSync(join(out, 'other'))).toBe(false)
})

test('a link of a snapshot is made alone, and replaced by that of the next version', async () => {
  const root = makeFolder(join(ada.folder, 'link'), { one: '1', two: '2' })
  symlinkSync('one', join(root, 'current'))
  await upload(root, 'link')
  const out = join(bob.folder, 'current')
  await download('link/current', out)
  rmSync(join(root, 'current'))
  symlinkSync('two', join(root, 'current'))
  await upload(root, 'link')
  await download('link/current', out)
  expect(readlinkSync(out)).toBe('two')
})

test('a folder of a snapshot follows its next version, and keeps files of the user', async () => {
  const root = makeFolder(join(ada.folder, 'libs'), {
    'lib/same': randomBytes(CHUNK + 3),
    'lib/sub/changes': 'before',
    'lib/gone/file': 'x',
    'outside/file': 'y',
  })
  await upload(root, 'libs')
  const out = join(bob.folder, 'lib')
  await download('libs/lib', out)
  writeFileSync(join(out, 'notes'), 'mine')
  writeFileSync(join(root, 'lib/sub/changes'), 'after')
  rmSync(join(root, 'lib/gone'), { recursive: true })
  rmSync(join(root, 'outside'), { recursive: true })
  await upload(root, 'libs')
  await download('libs/lib', out)
  expect({ ...treeOf(out), notes: undefined }).toEqual({ ...treeOf(join(root, 'lib')), notes: undefined })
  expect(readFileSync(join(out, 'notes'), 'utf8')).toBe('mine')
  writeFileSync(join(out, 'sub/changes'), 'edited by the user')
  writeFileSync(join(root, 'lib/sub/changes'), 'after that')
  await upload(root, 'libs')
  const failure = await bob.fails(words('libs/lib', out))
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(failure.message).toMatch(/: sub\/changes$/)
})

test('files of a part of a snapshot are not fetched again for the whole', async () => {
  const root = makeFolder(join(ada.folder, 'whole'), {
    'part/big': randomBytes(6 * CHUNK + 20_000),
    rest: 'r',
  })
  await upload(root, 'whole')
  await download('whole/part', join(bob.folder, 'part'))
  const out = join(bob.folder, 'whole')
  const { files } = await bob.ok<{ files: [{ bytesFetched: number }] }>(words('whole', out))
  expect(files[0].bytesFetched).toBeLessThanOrEqual(CHUNK)
  expect(treeOf(out)).toEqual(treeOf(root))
})

test('a file of a snapshot is written to standard output in order, and leaves nothing behind', async () => {
  const big = randomBytes(5 * CHUNK + 777)
  const files = { 'a/before': randomBytes(3000), 'a/big': big, 'b/little': 'l', 'b/nothing': '', copy: big }
  const root = makeFolder(join(ada.folder, 'streamed'), files)
  symlinkSync('a/big', join(root, 'link'))
  await upload(root, 'streamed')
  for (const [path, content] of Object.entries(files)) {
    const { code, stdout, stderr } = await bob.run(words(`streamed/${path}`, '-'))
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('Downloaded') })
    expect(stdout.equals(Buffer.from(content))).toBe(true)
  }
  for (const path of ['a', 'link', '']) {
    const failure = await bob.run(words(path === '' ? 'streamed' : `streamed/${path}`, '-'))
    expect(failure).toMatchObject({ code: 2, stdout: Buffer.alloc(0) })
    expect(failure.stderr).toContain('standard output takes one file')
  }
  expect(readdirSync(join(bob.folder, 'tmp'))).toEqual([])
})

test('a FIFO gets the bytes of a file of a snapshot in order', async () => {
  const big = randomBytes(3 * CHUNK + 7)
  await upload(makeFolder(join(ada.folder, 'piped'), { big, other: randomBytes(9000) }), 'piped')
  const fifo = join(bob.folder, 'pipe')
  execFileSync('mkfifo', [fifo])
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] })
  const parts: Buffer[] = []
  reader.stdout.on('data', (part: Buffer) => parts.push(part))
  await download('piped/big', fifo)
  if (reader.exitCode === null) await once(reader, 'close')
  expect(Buffer.concat(parts).equals(big)).toBe(true)
  expect(lstatSync(fifo).isFIFO()).toBe(true)
})

test('a manifest goes when its snapshot is removed from the group', async () => {
  await upload(makeFolder(join(ada.folder, 'temporary'), { file: 'f', sub: 's' }), 'temporary')
  await download('temporary', join(bob.folder, 'temporary'))
  await download('temporary/file', join(bob.folder, 'temporary-file'))
  const { seeding } = await bob.ok<{ seeding: { name: string; fileId: string }[] }>('peer status')
  const { fileId } = seeding.find(({ name }) => name === 'temporary')!
  const manifests = [ada, bob].map(({ folder }) => join(folder, 'trees', fileId))
  for (const path of manifests) expect(existsSync(path)).toBe(true)
  await ada.ok('peer remove team:temporary')
  await until(() => !manifests.some((path) => existsSync(path)))
  expect(readFileSync(join(bob.folder, 'temporary/file'), 'utf8')).toBe('f')
})
