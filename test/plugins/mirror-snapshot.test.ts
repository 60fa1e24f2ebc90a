import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ownNamespaces } from '../../testkit/namespaces.ts'
import { until } from '../../testkit/until.ts'
import { following } from '../support/following.ts'
import { ada, bob, useTwoHomes, world } from '../support/two-homes.ts'

/** Each command starts a process of its own, which takes seconds on a busy machine. */
const SOON_MS = 30_000
useTwoHomes({ withPeers: true })

interface Summary {
  snapshot: { name: string; version: number }
  deleted: string[]
  files: { bytesFetched: number; changes: { written: string[]; retimed: string[]; deleted: string[] } }[]
  plan: { fetch: string[]; delete: string[] }
}

/** Publishes the files as the newest version of `name`, and returns the folder that they are in. */
async function publish(name: string, files: Record<string, string>): Promise<string> {
  const root = join(ada.folder, name)
  for (const [path, text] of Object.entries(files)) put(join(root, path), text)
  await upload(name)
  return root
}

const upload = (name: string): Promise<unknown> =>
  ada.ok(['peer', 'upload', join(ada.folder, name), '--group', 'team', '--as', name])

function put(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}

const mirror = (target: string, folder: string, ...words: string[]): Promise<Summary> =>
  bob.ok(['mirror', `team:${target}`, folder, '--no-follow', ...words])

/** Keeps the time of the file, to the nanosecond. */
function overwrite(path: string, text: string): void {
  const reference = world.path('reference')
  execFileSync('touch', ['-r', path, reference])
  writeFileSync(path, text)
  execFileSync('touch', ['-r', reference, path])
}

const read = (...path: string[]): string | null =>
  existsSync(join(...path)) ? readFileSync(join(...path), 'utf8') : null

const namesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== '.shoal-mirror.json')
    .sort()

test('a mirror of a snapshot is the snapshot: contents, modes, times, links and empty folders', async () => {
  const root = await publish('whole', { 'bin/tool': '#!/bin/sh\necho "it runs"\n', 'lib/a': 'a' })
  chmodSync(join(root, 'bin/tool'), 0o755)
  symlinkSync('../bin/tool', join(root, 'lib/tool'))
  mkdirSync(join(root, 'cache'))
  await upload('whole')
  const folder = world.path('whole')
  const { snapshot, files } = await mirror('whole', folder)
  expect(snapshot).toMatchObject({ name: 'whole', version: 2 })
  expect(files[0]!.changes.written).toEqual(['bin/tool', 'lib/a', 'lib/tool'])
  expect(namesIn(folder)).toEqual(['bin', 'bin/tool', 'cache', 'lib', 'lib/a', 'lib/tool'])
  expect(execFileSync(join(folder, 'lib/tool'), { encoding: 'utf8' })).toBe('it runs\n')
  expect(statSync(join(folder, 'lib/a')).mtimeMs).toBeCloseTo(statSync(join(root, 'lib/a')).mtimeMs, 0)
})

test('a mirror follows new versions, tells which one it is at, and deletes nothing without --delete', async () => {
  const root = await publish('follows', { same: 's', changes: '1', gone: 'g' })
  const folder = world.path('follows')
  const running = following(bob, ['mirror', 'team:follows', folder], [])
  await until(() => running.told().includes('is at version 1 of team:follows'), SOON_MS)
  put(join(folder, 'mine'), 'm')
  rmSync(join(root, 'gone'))
  await publish('follows', { changes: '2, longer', added: 'new' })
  await until(() => running.told().includes('is at version 2 of team:follows: 2 files written'), SOON_MS)
  await running.end()
  expect(['same', 'changes', 'added', 'gone', 'mine'].map((name) => read(folder, name))).toEqual([
    's',
    '2, longer',
    'new',
    'g',
    'm',
  ])
}, 120_000)

test('files that were altered, removed, touched or made executable are repaired', async () => {
  const root = await publish('repair', { a: 'aaa', b: 'bbb', c: 'ccc', d: 'ddd', e: 'eee', empty: '' })
  symlinkSync('a', join(root, 'link'))
  await upload('repair')
  const folder = world.path('repair')
  await mirror('repair', folder)
  writeFileSync(join(folder, 'a'), 'edited by somebody')
  rmSync(join(folder, 'b'))
  utimesSync(join(folder, 'c'), 1, 1)
  chmodSync(join(folder, 'd'), 0o777)
  utimesSync(join(folder, 'empty'), 1, 1)
  rmSync(join(folder, 'link'))
  symlinkSync('elsewhere', join(folder, 'link'))
  const { files, deleted } = await mirror('repair', folder)
  expect(deleted).toEqual([])
  expect(files[0]!.changes).toMatchObject({ written: ['a', 'b', 'link'], retimed: expect.anything() })
  expect([...files[0]!.changes.retimed].sort()).toEqual(['c', 'd', 'empty'])
  expect(['a', 'b', 'c', 'd', 'e'].map((name) => read(folder, name))).toEqual([
    'aaa',
    'bbb',
    'ccc',
    'ddd',
    'eee',
  ])
  expect(readlinkSync(join(folder, 'link'))).toBe('a')
  for (const name of ['c', 'd', 'empty']) {
    const [here, there] = [statSync(join(folder, name)), statSync(join(root, name))]
    expect(here.mtimeMs).toBeCloseTo(there.mtimeMs, 0)
    expect(here.mode).toBe(there.mode)
  }
  const third = await mirror('repair', folder)
  expect(third.files[0]).toMatchObject({
    bytesFetched: 0,
    changes: { written: [], retimed: [], deleted: [] },
  })
})

test('a changed file of the same size and time is found with --checksum alone', async () => {
  const root = await publish('sums', { a: 'right', b: 'other' })
  const folder = world.path('sums')
  await mirror('sums', folder)
  overwrite(join(folder, 'a'), 'wrong')
  await mirror('sums', folder)
  expect(read(folder, 'a')).toBe('wrong')
  const plan = await mirror('sums', folder, '--checksum', '--dry-run')
  expect(plan.plan).toEqual({ fetch: ['a'], delete: [] })
  await mirror('sums', folder, '--checksum')
  expect(read(folder, 'a')).toBe('right')
  expect(statSync(join(folder, 'a')).mtimeMs).toBeCloseTo(statSync(join(root, 'a')).mtimeMs, 0)
})

test('with --delete the folder has nothing that the snapshot has not, also where kinds change', async () => {
  const root = await publish('exact', { 'was-file': 'f', 'was-folder/deep/x': 'x', kept: 'k' })
  const folder = world.path('exact')
  await mirror('exact', folder, '--delete')
  put(join(folder, 'stray/deep/file'), 's')
  put(join(folder, 'was-folder/mine'), 'm')
  mkdirSync(join(folder, 'empty'))
  symlinkSync('kept', join(folder, 'stray-link'))
  rmSync(root, { recursive: true })
  await publish('exact', { 'was-file/now/a': 'folder', 'was-folder': 'file', kept: 'k' })
  const failure = await bob.fails(['mirror', 'team:exact', folder, '--no-follow'])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  const { deleted } = await mirror('exact', folder, '--delete')
  expect(namesIn(folder)).toEqual(['kept', 'was-file', 'was-file/now', 'was-file/now/a', 'was-folder'])
  expect([read(folder, 'was-file/now/a'), read(folder, 'was-folder')]).toEqual(['folder', 'file'])
  expect(deleted.map((path) => path.slice(folder.length + 1)).sort()).toEqual([
    'empty',
    'stray',
    'stray-link',
    'stray/deep',
    'stray/deep/file',
    'was-file',
    'was-folder',
    'was-folder/deep',
    'was-folder/deep/x',
    'was-folder/mine',
  ])
})

test('--delete refuses a folder without its marker, and a mistyped name deletes nothing', async () => {
  await publish('strict', { a: 'a' })
  const folder = world.path('strict')
  put(join(folder, 'thesis'), 'years of work')
  const refused = await bob.fails(['mirror', 'team:strict', folder, '--delete', '--no-follow'])
  expect(refused).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(refused.hint).toContain('--adopt')
  const own = world.path('strict-own')
  await mirror('strict', own, '--delete')
  put(join(own, 'b'), 'b')
  for (const name of ['stric', 'strict/none', 'strict@7', 'strict@none']) {
    const failure = await bob.fails(['mirror', `team:${name}`, own, '--delete', '--no-follow'])
    expect([failure.exit, name]).toEqual([failure.code === 'PATH_IN_THE_WAY' ? 10 : 5, name])
    const elsewhere = world.path('strict-elsewhere')
    expect(await bob.fails(['mirror', `team:${name}`, elsewhere, '--delete', '--no-follow'])).toMatchObject({
      exit: 5,
    })
    expect(existsSync(elsewhere)).toBe(false)
  }
  await ada.ok('peer remove team:strict')
  await bob.fails(['mirror', 'team:strict', own, '--delete', '--no-follow'])
  expect([read(folder, 'thesis'), read(own, 'a'), read(own, 'b')]).toEqual(['years of work', 'a', 'b'])
})

test('--delete leaves FIFOs, other mirrors and everything behind links alone', async () => {
  await publish('careful', { 'sub/file': 'x' })
  await publish('other', { inside: 'i' })
  const folder = world.path('careful')
  const elsewhere = world.path('careful-elsewhere')
  put(join(elsewhere, 'file'), 'years of work')
  await mirror('careful', folder, '--delete')
  await mirror('other', join(folder, 'nested'), '--delete')
  execFileSync('mkfifo', [join(folder, 'pipe')])
  rmSync(join(folder, 'sub'), { recursive: true })
  symlinkSync(elsewhere, join(folder, 'sub'))
  symlinkSync(elsewhere, join(folder, 'away'))
  const { deleted } = await mirror('careful', folder, '--delete')
  expect(deleted).toEqual([join(folder, 'sub'), join(folder, 'away')])
  expect(read(elsewhere, 'file')).toBe('years of work')
  expect(lstatSync(join(folder, 'sub')).isDirectory()).toBe(true)
  expect([read(folder, 'sub/file'), read(folder, 'nested/inside')]).toEqual(['x', 'i'])
  expect(lstatSync(join(folder, 'pipe')).isFIFO()).toBe(true)
})

test("a file of the user's own is not replaced without --force, and nothing is half done", async () => {
  await publish('mine', { a: 'a' })
  const folder = world.path('mine')
  await mirror('mine', folder)
  put(join(folder, 'notes'), 'mine')
  await publish('mine', { a: 'a2', notes: 'theirs' })
  for (const words of [[], [], ['--delete']]) {
    const failure = await bob.fails(['mirror', 'team:mine', folder, '--no-follow', ...words])
    expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
    expect([read(folder, 'a'), read(folder, 'notes')]).toEqual(['a', 'mine'])
  }
  await mirror('mine', folder, '--force')
  expect([read(folder, 'a'), read(folder, 'notes')]).toEqual(['a2', 'theirs'])
})

test('files of an update that was killed are replaced by the next version', async () => {
  const root = await publish('killed', { a: 'a' })
  const folder = world.path('killed')
  await mirror('killed', folder)
  put(join(folder, 'added'), 'in the way')
  await publish('killed', { added: 'of version 2' })
  await bob.fails(['mirror', 'team:killed', folder, '--no-follow'])
  // As if the update had been killed after it placed this file.
  execFileSync('cp', ['-p', join(root, 'added'), join(folder, 'added')])
  await publish('killed', { added: 'version 3' })
  await mirror('killed', folder)
  expect(read(folder, 'added')).toBe('version 3')
})

test('a folder that is a mount point, as a volume of a container is, can be mirrored into', async () => {
  await publish('volume', { 'sub/a': 'a' })
  const [carol] = await world.users('carol')
  await ada.admit('team', carol)
  const folder = world.path('volume')
  const copy = world.path('volume-copy')
  for (const path of [folder, copy]) mkdirSync(path)
  const script = 'mount -t tmpfs none "$1" && from=$1 to=$2 && shift 2 && "$@" && cp -a "$from/." "$to"'
  const line = ['mirror', 'team:volume', folder, '--no-follow', '--once']
  await carol.ok(line, { under: ownNamespaces([], script, folder, copy) })
  expect(namesIn(copy)).toEqual(['sub', 'sub/a'])
})

test('a file that was left without --delete is replaced when a later version has it again', async () => {
  const root = await publish('returns', { kept: 'k', x: '1' })
  const folder = world.path('returns')
  await mirror('returns', folder)
  rmSync(join(root, 'x'))
  await publish('returns', { kept: 'k2' })
  const second = await bob.run(['mirror', 'team:returns', folder, '--no-follow'])
  expect(second.stderr).toContain('; 1 left that it does not have: x')
  await publish('returns', { x: 'three' })
  await mirror('returns', folder)
  expect(read(folder, 'x')).toBe('three')
})

test('--dry-run tells what would be fetched and deleted, and changes nothing', async () => {
  await publish('dry', { a: 'a', 'sub/b': 'b' })
  const folder = world.path('dry')
  const first = await mirror('dry', folder, '--dry-run', '--delete')
  expect(first.plan).toEqual({ fetch: ['a', 'sub/b'], delete: [] })
  expect(first.snapshot.version).toBe(1)
  expect(existsSync(folder)).toBe(false)
  await mirror('dry', folder)
  rmSync(join(folder, 'sub'), { recursive: true })
  put(join(folder, 'mine'), 'm')
  const second = await mirror('dry', folder, '--dry-run', '--delete')
  expect(second.plan).toEqual({ fetch: ['sub/b'], delete: [join(folder, 'mine')] })
  expect(namesIn(folder)).toEqual(['a', 'mine'])
})

test('a version, a tag and a folder of a snapshot can be mirrored, and a mirror of a tag follows the tag', async () => {
  await publish('app', { 'lib/a': '1', 'bin/b': '1' })
  await publish('app', { 'lib/a': '2', 'bin/b': '2' })
  const part = world.path('app-lib')
  await mirror('app/lib', part, '--delete')
  expect([namesIn(part), read(part, 'a')]).toEqual([['a'], '2'])
  writeFileSync(join(part, 'a'), 'edited')
  put(join(part, 'stray'), 's')
  await mirror('app/lib', part, '--delete')
  expect([namesIn(part), read(part, 'a')]).toEqual([['a'], '2'])
  expect(await bob.fails(['mirror', 'team:app/lib/a', world.path('app-file')])).toMatchObject({
    exit: 2,
    code: 'USAGE',
  })
  expect(existsSync(world.path('app-file'))).toBe(false)

  await ada.ok('group tag team:app@2 stable')
  const folder = world.path('app')
  const running = following(bob, ['mirror', 'team:app@stable', folder], [])
  await until(() => read(folder, 'lib/a') === '2', SOON_MS)
  await publish('app', { 'lib/a': '3' })
  await publish('app', { 'lib/a': '4' })
  await ada.ok('group tag team:app@4 stable')
  await until(() => running.told().includes('is at version 4 of team:app'), SOON_MS)
  expect([running.told().includes('version 3'), read(folder, 'lib/a')]).toEqual([false, '4'])
  await running.end()
}, 120_000)

test('a mirror of a group keeps each snapshot in it equal, with --delete to the last file', async () => {
  await ada.ok('group create mixed')
  await ada.admit('mixed', bob)
  const root = join(ada.folder, 'mixed')
  put(join(root, 'x'), 'x')
  put(join(ada.folder, 'single'), 'one')
  await ada.ok(['peer', 'upload', root, '--group', 'mixed', '--as', 'app'])
  await ada.ok(['peer', 'upload', join(ada.folder, 'single'), '--group', 'mixed'])
  const folder = world.path('mixed')
  const line = ['mirror', 'mixed', folder, '--delete', '--no-follow']
  await bob.ok(line)
  writeFileSync(join(folder, 'app/x'), 'edited')
  put(join(folder, 'app/stray'), 's')
  writeFileSync(join(folder, 'single'), 'two')
  const dry = await bob.ok<Summary>([...line, '--dry-run'])
  expect(dry.plan).toEqual({ fetch: ['app/x', 'single'], delete: [join(folder, 'app/stray')] })
  const { deleted } = await bob.ok<Summary>(line)
  expect(deleted).toEqual([join(folder, 'app/stray')])
  expect([read(folder, 'app/x'), read(folder, 'single')]).toEqual(['x', 'one'])
})

test('altered separate files are repaired too, those of the same size and time with --checksum', async () => {
  await ada.ok('group create loose')
  await ada.admit('loose', bob)
  put(join(ada.folder, 'loose'), 'right')
  await ada.ok(['peer', 'upload', join(ada.folder, 'loose'), '--group', 'loose'])
  const folder = world.path('loose')
  await bob.ok(['mirror', 'loose', folder, '--no-follow'])
  const path = join(folder, 'loose')
  writeFileSync(path, 'wrong')
  await bob.ok(['mirror', 'loose', folder, '--no-follow'])
  expect(read(path)).toBe('right')
  overwrite(path, 'wrong')
  await bob.ok(['mirror', 'loose', folder, '--no-follow'])
  expect(read(path)).toBe('wrong')
  await bob.ok(['mirror', 'loose', folder, '--no-follow', '--checksum'])
  expect(read(path)).toBe('right')
})
