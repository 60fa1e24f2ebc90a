import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { following } from '../support/following.ts'

const world = new World()
let ada: Home
let bob: Home
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('peer start --detach')
  await bob.ok('peer start --detach')
}, 60_000)
afterAll(() => world.close())

/** A group of both users with files that Ada shares. */
async function groupWith(group: string, files: Record<string, string>): Promise<void> {
  await ada.ok(`group create ${group}`)
  await ada.admit(group, bob)
  for (const [name, text] of Object.entries(files)) await share(group, name, text)
}

let sources = 0
async function share(group: string, name: string, text: string): Promise<void> {
  const path = join(ada.folder, `source-${sources++}`)
  writeFileSync(path, text)
  await ada.ok(['peer', 'upload', path, '--group', group, '--as', name])
}

const read = (...path: string[]): string | null =>
  existsSync(join(...path)) ? readFileSync(join(...path), 'utf8') : null

test('a mirror takes what is there, new files and new versions; what is removed stays', async () => {
  await groupWith('follow', { 'a.txt': 'one', 'deep/er/b.txt': 'two' })
  const folder = world.path('follow')
  const mirror = following(bob, ['mirror', 'follow', folder])
  await until(() => read(folder, 'a.txt') === 'one' && read(folder, 'deep/er/b.txt') === 'two')
  await share('follow', 'c.txt', 'three')
  await share('follow', 'a.txt', 'one, again')
  await ada.ok('peer remove follow:deep/er/b.txt')
  await until(() => read(folder, 'c.txt') === 'three' && read(folder, 'a.txt') === 'one, again')
  await share('follow', 'd.txt', 'four')
  await until(() => read(folder, 'd.txt') === 'four')
  const summary = await mirror.end()
  // A file is there before the command hears of it: the last one may be missing in what it tells.
  const told = namesOf(summary).filter((name) => name !== 'd.txt')
  expect(told.sort()).toEqual(['a.txt', 'a.txt', 'c.txt', 'deep/er/b.txt'])
  expect(summary.deleted).toEqual([])
  expect(read(folder, 'deep/er/b.txt')).toBe('two')
}, 60_000)

test('with --delete the folder has nothing that the group has not, and no empty folders', async () => {
  await groupWith('exact', { 'in/keep': 'k', 'in/sub/drop': 'd', outside: 'o' })
  const folder = world.path('exact')
  mkdirSync(join(folder, 'old/er'), { recursive: true })
  writeFileSync(join(folder, 'old/er/file'), 'not of the group')
  const mirror = following(bob, ['mirror', 'exact:in', folder, '--delete', '--adopt'])
  await until(() => read(folder, 'sub/drop') === 'd' && read(folder, 'keep') === 'k')
  await until(() => readdirSync(folder).sort().join() === '.shoal-mirror.json,keep,sub')
  await ada.ok('peer remove exact:in/sub/drop')
  await until(() => !existsSync(join(folder, 'sub')))
  expect(read(folder, 'keep')).toBe('k')
  expect((await mirror.end()).deleted).toEqual([join(folder, 'old/er/file'), join(folder, 'sub/drop')])
}, 60_000)

test('--delete refuses a folder that no mirror made, and deletes nothing there', async () => {
  await groupWith('strict', { 'in/a': 'a' })
  const folder = world.path('strict')
  mkdirSync(folder)
  writeFileSync(join(folder, 'thesis'), 'years of work')
  const failure = await bob.fails(['mirror', 'strict:in', folder, '--delete', '--no-follow'])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(failure.hint).toContain('--adopt')
  expect(readdirSync(folder)).toEqual(['thesis'])
})

test('a mistyped prefix is an error and empties nothing', async () => {
  await groupWith('typo', { 'models/a': 'a' })
  const folder = world.path('typo')
  await bob.ok(['mirror', 'typo:models', folder, '--delete', '--no-follow'])
  const failure = await bob.fails(['mirror', 'typo:model', folder, '--delete', '--no-follow'])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  const elsewhere = world.path('typo-too')
  const unknown = await bob.fails(['mirror', 'typo:model', elsewhere, '--delete', '--no-follow'])
  expect(unknown).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
  expect(read(folder, 'a')).toBe('a')
  expect(existsSync(elsewhere)).toBe(false)
})

test('a mistyped prefix is an error for a mirror that only follows, and makes no folder', async () => {
  await groupWith('wait', { 'models/a': 'a' })
  const folder = world.path('wait')
  expect(await bob.fails(['mirror', 'wait:model', folder])).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
  expect(existsSync(folder)).toBe(false)
})

test('a removed file is not deleted where a link leads out of the folder', async () => {
  await groupWith('away', { 'out/thesis': 'of the group', other: 'o' })
  const folder = world.path('away')
  const elsewhere = world.path('away-elsewhere')
  for (const path of [folder, elsewhere]) mkdirSync(path)
  writeFileSync(join(elsewhere, 'thesis'), 'years of work')
  symlinkSync(elsewhere, join(folder, 'out'))
  const mirror = following(bob, ['mirror', 'away', folder, '--delete', '--adopt'])
  await until(() => read(folder, 'other') === 'o')
  await ada.ok('peer remove away:out/thesis')
  await ada.ok('peer remove away:other')
  await until(() => read(folder, 'other') === null)
  expect(read(elsewhere, 'thesis')).toBe('years of work')
  expect((await mirror.end()).deleted).toEqual([join(folder, 'other')])
}, 60_000)

test('a mirror deletes nothing in the folder of another mirror', async () => {
  await groupWith('outer', { a: '1' })
  await groupWith('inner', { b: '2' })
  const folder = world.path('outer')
  const inside = join(folder, 'in')
  await bob.ok(['mirror', 'outer', folder, '--delete', '--no-follow'])
  await bob.ok(['mirror', 'inner', inside, '--delete', '--no-follow'])
  await bob.ok(['mirror', 'outer', folder, '--delete', '--no-follow'])
  expect(read(inside, 'b')).toBe('2')
})

test('what a snapshot has is not deleted, and what it has no longer is', async () => {
  await ada.ok('group create snap')
  await ada.admit('snap', bob)
  const source = join(ada.folder, 'snap-source')
  mkdirSync(join(source, 'deep'), { recursive: true })
  writeFileSync(join(source, 'deep/kept'), 'k')
  writeFileSync(join(source, 'dropped'), 'd')
  const publish = ['peer', 'upload', source, '--group', 'snap', '--as', 'app']
  await ada.ok(publish)
  const folder = world.path('snap')
  const mirror = ['mirror', 'snap', folder, '--delete', '--no-follow']
  await bob.ok(mirror)
  writeFileSync(join(folder, 'stray'), 's')
  const second = await bob.ok<{ deleted: string[] }>(mirror)
  expect(second.deleted).toEqual([join(folder, 'stray')])
  expect([read(folder, 'app/deep/kept'), read(folder, 'app/dropped')]).toEqual(['k', 'd'])
  rmSync(join(source, 'dropped'))
  await ada.ok(publish)
  await bob.ok(mirror)
  expect([read(folder, 'app/deep/kept'), read(folder, 'app/dropped')]).toEqual(['k', null])
  await share('snap', 'other', 'o')
  await ada.ok('peer remove snap:app')
  await bob.ok(mirror)
  expect(readdirSync(folder).sort()).toEqual(['.shoal-mirror.json', 'other'])
})

test("a group cannot mark its members' folders: no file of it may be called like the marker", async () => {
  await ada.ok('group create marked')
  const mirrored = join(ada.folder, 'mirrored')
  mkdirSync(mirrored)
  writeFileSync(join(mirrored, '.shoal-mirror.json'), '{"group":"marked","prefix":""}')
  writeFileSync(join(mirrored, 'file'), 'f')
  const one = ['peer', 'upload', join(mirrored, '.shoal-mirror.json'), '--group', 'marked']
  expect(await ada.fails(one)).toMatchObject({ exit: 2, code: 'BAD_NAME' })
  const all = await ada.ok<{ files: unknown[] }>(['peer', 'upload', mirrored, '--group', 'marked', '--files'])
  expect(all.files).toMatchObject([{ name: 'mirrored/file' }])
})

test('files that vanish from the group while no mirror runs do not empty the folder', async () => {
  await groupWith('vanish', { 'in/a': 'a', other: 'o' })
  const folder = world.path('vanish')
  await bob.ok(['mirror', 'vanish:in', folder, '--delete', '--no-follow'])
  await ada.ok('peer remove vanish:in/a')
  const gone = await bob.fails(['mirror', 'vanish:in', folder, '--delete', '--no-follow'])
  expect(gone).toMatchObject({ code: 'FILE_NOT_FOUND' })
  expect(read(folder, 'a')).toBe('a')
})

test('--dry-run says what would be fetched and deleted, and changes nothing', async () => {
  await groupWith('dry', { a: '1', b: '2' })
  const folder = world.path('dry')
  interface Plan {
    plan: { fetch: string[]; delete: string[] }
  }
  const first = await bob.ok<Plan>(['mirror', 'dry', folder, '--dry-run'])
  expect(first.plan).toEqual({ fetch: ['a', 'b'], delete: [] })
  expect(existsSync(folder)).toBe(false)
  await bob.ok(['mirror', 'dry', folder, '--delete', '--no-follow'])
  writeFileSync(join(folder, 'mine'), 'm')
  await ada.ok('peer remove dry:b')
  const second = await bob.ok<Plan>(['mirror', 'dry', folder, '--delete', '--dry-run'])
  expect(second.plan).toEqual({ fetch: [], delete: [join(folder, 'b'), join(folder, 'mine')] })
  expect(readdirSync(folder).sort()).toEqual(['.shoal-mirror.json', 'a', 'b', 'mine'])
})

test("a mirror replaces no file of the user's without --force, and fetches the others", async () => {
  await groupWith('mine', { a: '1', b: '2' })
  const folder = world.path('mine')
  mkdirSync(folder)
  writeFileSync(join(folder, 'a'), 'edited')
  const failure = await bob.fails(['mirror', 'mine', folder, '--no-follow'])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect([read(folder, 'a'), read(folder, 'b')]).toEqual(['edited', '2'])
  await bob.ok(['mirror', 'mine', folder, '--no-follow', '--force'])
  expect(read(folder, 'a')).toBe('1')
})

test('--no-follow ends once the folder is equal, and what is equal is not fetched again', async () => {
  await groupWith('once', { a: '1', b: '2' })
  const folder = world.path('once')
  const first = await bob.ok<{ files: unknown[] }>(['mirror', 'once', folder, '--no-follow'])
  expect(first.files).toHaveLength(2)
  await share('once', 'b', '2, again')
  const second = await bob.ok<{ files: { name: string }[] }>(['mirror', 'once', folder, '--no-follow'])
  expect(second.files.map(({ name }) => name)).toEqual(['b'])
  expect(read(folder, 'b')).toBe('2, again')
})

test('a link in the folder leads no file out of it', async () => {
  await groupWith('links', { 'out/file': 'x' })
  const folder = world.path('links')
  const elsewhere = world.path('elsewhere')
  for (const path of [folder, elsewhere]) mkdirSync(path)
  symlinkSync(elsewhere, join(folder, 'out'))
  const failure = await bob.fails(['mirror', 'links', folder, '--no-follow'])
  expect(failure).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(readdirSync(elsewhere)).toEqual([])
})

test('a mirror of a group that one is no member of says so', async () => {
  await ada.ok('group create closed')
  const folder = world.path('closed')
  expect(await bob.fails(['mirror', 'closed', folder])).toMatchObject({ exit: 4, code: 'NOT_A_MEMBER' })
  expect(await bob.fails(['mirror', 'none', folder])).toMatchObject({ exit: 5, code: 'GROUP_NOT_FOUND' })
})

const namesOf = ({ files }: Record<string, unknown[]>): string[] =>
  (files as { name: string }[]).map(({ name }) => name)
