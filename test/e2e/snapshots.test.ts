import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder, treeOf } from '../support/folders.ts'
import { ada, bob, useTwoHomes } from '../support/two-homes.ts'

const CHUNK = 512 * 1024
useTwoHomes({ withPeers: true })

interface Uploaded {
  files: {
    name: string
    version: number
    fileId: string
    tree: { entries: number; files: number; bytes: number }
  }[]
}
interface Downloaded {
  files: { path: string; bytesFetched: number; bytesReused: number }[]
}

/** Makes a new folder of ada's. */
const folder = (name: string, files: Record<string, string | Buffer>): string =>
  makeFolder(join(ada.folder, name), files)

const upload = (path: string, as: string, ...words: string[]): Promise<Uploaded> =>
  ada.ok(['peer', 'upload', path, '--group', 'team', '--as', as, ...words])
const download = (name: string, output: string, ...words: string[]): Promise<Downloaded> =>
  bob.ok(['peer', 'download', `team:${name}`, '-o', output, ...words])

test('a build with executables, links and empty folders runs from another home', async () => {
  const big = randomBytes(3 * CHUNK + 17)
  const root = folder('build', {
    'bin/tool': '#!/bin/sh\necho "it runs: $(cat "$(dirname "$0")/../lib/greeting")"\n',
    'lib/greeting': 'hello',
    'lib/big': big,
    'lib/copy of big': big,
    'lib/nothing': '',
    'cache/': '',
  })
  chmodSync(join(root, 'bin/tool'), 0o755)
  chmodSync(join(root, 'lib/greeting'), 0o444)
  symlinkSync('../bin/tool', join(root, 'lib/tool'))
  utimesSync(join(root, 'lib/greeting'), 1577934245, 1577934245)
  const { files } = await upload(root, 'app')
  expect(files).toMatchObject([{ name: 'app', version: 1, tree: { entries: 9, files: 5 } }])
  const out = join(bob.folder, 'out')
  const { files: got } = await download('app', out)
  expect(got).toMatchObject([{ path: out }])
  // Content that two files have travels once.
  expect(got[0]!.bytesFetched).toBeLessThan(big.length + 2000)
  expect(treeOf(out)).toEqual(treeOf(root))
  expect(execFileSync(join(out, 'bin/tool'), { encoding: 'utf8' })).toBe('it runs: hello\n')
  expect(readdirSync(bob.folder).filter((name) => name.includes('shoal-part'))).toEqual([])
})

test('files of the same content keep their own modes', async () => {
  const root = folder('modes', { plain: 'same', program: 'same' })
  chmodSync(join(root, 'program'), 0o755)
  await upload(root, 'modes')
  const out = join(bob.folder, 'modes')
  await download('modes', out)
  expect(treeOf(out)).toEqual(treeOf(root))
})

test('a folder or a file of a snapshot is fetched alone', async () => {
  const root = folder('parts', {
    'a/one': 'one',
    'a/two': randomBytes(2 * CHUNK),
    'b/three': randomBytes(4 * CHUNK),
  })
  await upload(root, 'parts')
  const out = join(bob.folder, 'parts-a')
  const { files } = await download('parts/a', out)
  expect(treeOf(out)).toEqual(treeOf(join(root, 'a')))
  expect(files[0]!.bytesFetched).toBeLessThan(3 * CHUNK)
  const file = join(bob.folder, 'only-one')
  await download('parts/a/one', file)
  expect(readFileSync(file, 'utf8')).toBe('one')
  expect(await bob.fails(['peer', 'download', 'team:parts/c'])).toMatchObject({ code: 'FILE_NOT_FOUND' })
})

test('the next version replaces what changed, removes what is gone, and keeps files of the user', async () => {
  const root = folder('versions', { same: randomBytes(2 * CHUNK), changes: 'before', 'gone/file': 'x' })
  await upload(root, 'versions')
  const out = join(bob.folder, 'versions')
  await download('versions', out)
  writeFileSync(join(out, 'notes'), 'mine')
  writeFileSync(join(root, 'changes'), 'after, and longer')
  rmSync(join(root, 'gone'), { recursive: true })
  writeFileSync(join(root, 'added'), 'new')
  const { files } = await upload(root, 'versions')
  expect(files).toMatchObject([{ version: 2 }])
  const got = await download('versions', out)
  expect(got.files[0]!.bytesFetched).toBeLessThan(CHUNK)
  expect({ ...treeOf(out), notes: undefined }).toEqual({ ...treeOf(root), notes: undefined })
  expect(readFileSync(join(out, 'notes'), 'utf8')).toBe('mine')
})

test('a run over a damaged copy repairs it, with --force where the user has changed files', async () => {
  const root = folder('repair', { a: randomBytes(CHUNK + 5), b: 'b' })
  await upload(root, 'repair')
  const out = join(bob.folder, 'repair')
  await download('repair', out)
  rmSync(join(out, 'a'))
  await download('repair', out)
  expect(treeOf(out)).toEqual(treeOf(root))
  writeFileSync(join(out, 'b'), 'edited')
  const failure = await bob.fails(['peer', 'download', 'team:repair', '-o', out])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(failure.message).toContain(': b')
  expect(readFileSync(join(out, 'b'), 'utf8')).toBe('edited')
  await download('repair', out, '--force')
  expect(treeOf(out)).toEqual(treeOf(root))
})

test('a folder that is the snapshot already is left as it is, and anything else in it is repaired', async () => {
  const source = folder('same', { 'bin/tool': '#!/bin/sh', 'lib/a': randomBytes(1000), 'empty/': '' })
  chmodSync(join(source, 'bin/tool'), 0o755)
  symlinkSync('../lib/a', join(source, 'bin/a'))
  await upload(source, 'same')
  const target = join(bob.folder, 'same')
  const again = (): Promise<Downloaded> => download('same', target)
  await again()
  const changed = lstatSync(target).ctimeMs
  const { files } = await again()
  expect(files[0]).toMatchObject({ path: target, bytesFetched: 0 })
  expect(lstatSync(target).ctimeMs).toBe(changed)
  const repairs: (() => void)[] = [
    () => chmodSync(join(target, 'empty'), 0o700),
    () => utimesSync(join(target, 'lib'), 1, 1),
    () => rmSync(join(target, 'bin/a')),
    () => rmSync(join(target, 'lib/a')),
    () => rmSync(join(target, 'empty'), { recursive: true }),
  ]
  for (const damage of repairs) {
    damage()
    expect(treeOf(target)).not.toEqual(treeOf(source))
    await again()
    expect(treeOf(target)).toEqual(treeOf(source))
  }
  const { files: served } = await bob.ok<{ files: { state: string }[] }>('peer verify team:same')
  expect(served[0]!.state).toBe('ok')
})

test('a folder of the user is not taken over', async () => {
  const root = folder('taken', { readme: 'theirs' })
  await upload(root, 'taken')
  const out = join(bob.folder, 'taken')
  mkdirSync(out)
  writeFileSync(join(out, 'readme'), 'mine')
  const failure = await bob.fails(['peer', 'download', 'team:taken', '-o', out])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(readFileSync(join(out, 'readme'), 'utf8')).toBe('mine')
  const file = join(bob.folder, 'taken-file')
  writeFileSync(file, 'a file')
  expect(await bob.fails(['peer', 'download', 'team:taken', '-o', file])).toMatchObject({
    code: 'PATH_IN_THE_WAY',
  })
})

test('a link that leads out of the folder is refused with its path, or kept as it is', async () => {
  const root = folder('links', { 'a/file': 'x' })
  symlinkSync('../../secret', join(root, 'a/out'))
  const failure = await ada.fails(['peer', 'upload', root, '--group', 'team', '--as', 'links'])
  expect(failure).toMatchObject({ exit: 2, code: 'LINK_OUTSIDE' })
  expect(failure.message).toContain('a/out')
  await upload(root, 'links', '--links', 'keep')
  const out = join(bob.folder, 'links')
  await download('links', out)
  expect(readlinkSync(join(out, 'a/out'))).toBe('../../secret')
})

test('--exclude, --include and .shoalignore say what is published', async () => {
  const files = {
    'a.log': '',
    'b.txt': '',
    'keep.log': '',
    'node_modules/x': '',
    'sub/c.tmp': '',
    'sub/d': '',
  }
  const root = folder('ignored', {
    ...files,
    '.shoalignore': 'node_modules\n',
    'sub/.shoalignore': '*.tmp\n',
  })
  await upload(root, 'ignored', '--exclude', '*.log', '--include', 'keep.log')
  const out = join(bob.folder, 'ignored')
  await download('ignored', out)
  expect(Object.keys(treeOf(out))).toEqual([
    '.shoalignore',
    'b.txt',
    'keep.log',
    'sub',
    'sub/.shoalignore',
    'sub/d',
  ])
})

test('names that are one on some systems are refused in every way that publishes', async () => {
  const root = folder('forms', { 'z\u00e9': '1', 'ze\u0301': '2' })
  for (const words of [[], ['--files']])
    expect(await ada.fails(['peer', 'upload', root, '--group', 'team', ...words])).toMatchObject({ exit: 2 })
  await upload(root, 'forms', '--allow-collisions')
  const out = join(bob.folder, 'forms')
  await download('forms', out)
  expect(readdirSync(out)).toHaveLength(2)
})

test('a downloaded snapshot is served from its folder, and verified like a file', async () => {
  const root = folder('served', { a: randomBytes(CHUNK + 1), b: 'b' })
  await upload(root, 'served')
  const out = join(bob.folder, 'served')
  await download('served', out)
  const status = await bob.ok<{ seeding: { name: string; path: string }[] }>('peer status')
  expect(status.seeding.filter(({ name }) => name === 'served')).toMatchObject([{ path: out }])
  expect(await bob.ok('peer verify team:served')).toMatchObject({ files: [{ state: 'ok' }] })
  writeFileSync(join(out, 'b'), 'c')
  expect((await bob.run(['peer', 'verify', 'team:served', '--json'])).code).toBe(9)
  expect(existsSync(join(out, 'a'))).toBe(true)
})

test('a name of 255 bytes is downloaded too', async () => {
  const name = 'n'.repeat(255)
  const root = folder('long', { [name]: 'x' })
  await upload(root, name)
  await download(name, join(bob.folder, name))
  expect(treeOf(join(bob.folder, name))).toEqual(treeOf(root))
})

test('neither a link nor a folder of a snapshot takes the place of a file of the user', async () => {
  const root = folder('kinds', { 'a/real': 'x', 'b/file': 'y' })
  symlinkSync('real', join(root, 'a/link'))
  await upload(root, 'kinds')
  const out = join(bob.folder, 'kinds')
  mkdirSync(join(out, 'a'), { recursive: true })
  writeFileSync(join(out, 'a/link'), 'years of work')
  writeFileSync(join(out, 'b'), 'more of it')
  const before = treeOf(out)
  const failure = await bob.fails(['peer', 'download', 'team:kinds', '-o', out])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(failure.message).toMatch(/: b$/)
  expect(treeOf(out)).toEqual(before)
  rmSync(join(out, 'b'))
  const second = await bob.fails(['peer', 'download', 'team:kinds', '-o', out])
  expect(second.message).toMatch(/: a\/link$/)
  expect(readFileSync(join(out, 'a/link'), 'utf8')).toBe('years of work')
  await download('kinds', out, '--force')
  expect(readlinkSync(join(out, 'a/link'))).toBe('real')
})

test('a link that changes in the next version replaces the one of the version before', async () => {
  const root = folder('relinked', { one: '1', two: '2' })
  symlinkSync('one', join(root, 'link'))
  await upload(root, 'relinked')
  const out = join(bob.folder, 'relinked')
  await download('relinked', out)
  rmSync(join(root, 'link'))
  symlinkSync('two', join(root, 'link'))
  await upload(root, 'relinked')
  await download('relinked', out)
  expect(readlinkSync(join(out, 'link'))).toBe('two')
})

test('--force does not replace a FIFO in a folder with a file of a snapshot', async () => {
  const root = folder('fifo', { pipe: 'x' })
  await upload(root, 'fifo')
  const out = join(bob.folder, 'fifo')
  mkdirSync(out)
  execFileSync('mkfifo', [join(out, 'pipe')])
  const failure = await bob.fails(['peer', 'download', 'team:fifo', '-o', out, '--force'])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(lstatSync(join(out, 'pipe')).isFIFO()).toBe(true)
})

test('a file of the user is not written to through a link that leads out of the folder', async () => {
  const root = folder('through', { 'sub/file': 'x' })
  await upload(root, 'through')
  const out = join(bob.folder, 'through')
  const elsewhere = join(bob.folder, 'through-elsewhere')
  for (const path of [out, elsewhere]) mkdirSync(path)
  writeFileSync(join(elsewhere, 'file'), 'mine')
  symlinkSync(elsewhere, join(out, 'sub'))
  for (const words of [[], ['--force']]) {
    const failure = await bob.fails(['peer', 'download', 'team:through', '-o', out, ...words])
    expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  }
  expect(readFileSync(join(elsewhere, 'file'), 'utf8')).toBe('mine')
})

test('a folder with a snapshot and a file in it is fetched again when there is a new version', async () => {
  const root = folder('mixed', { file: 'one' })
  await upload(root, 'mixed/app')
  const other = join(ada.folder, 'mixed-other')
  writeFileSync(other, 'o')
  await ada.ok(['peer', 'upload', other, '--group', 'team', '--as', 'mixed/other'])
  const out = join(bob.folder, 'mixed')
  await download('mixed', out)
  writeFileSync(join(root, 'file'), 'two')
  await upload(root, 'mixed/app')
  await download('mixed', out)
  expect(readFileSync(join(out, 'app/file'), 'utf8')).toBe('two')
})
