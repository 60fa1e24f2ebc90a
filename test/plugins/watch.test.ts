import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { until } from '../../testkit/until.ts'
import { following } from '../support/following.ts'
import { ada, bob, useTwoHomes, world } from '../support/two-homes.ts'

/** Each command starts a process of its own, which takes seconds on a busy machine. */
const SOON_MS = 30_000
useTwoHomes({ withPeers: true })

const namesOf = ({ files }: Record<string, unknown[]>): string[] =>
  (files as { name: string }[]).map(({ name }) => name)

/** The newest version of each name of a group. */
async function versionsIn(group: string): Promise<Record<string, number>> {
  const { files } = await ada.ok<Listed>(['group', 'files', group])
  return Object.fromEntries(files.map(({ name, version }) => [name, version]))
}

function put(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}

test('a quiet folder becomes a new version of one snapshot, and nothing changed makes none', async () => {
  await ada.ok('group create builds')
  await ada.admit('builds', bob)
  const folder = world.path('app')
  put(join(folder, 'bin/tool'), '1')
  put(join(folder, 'lib/a'), 'a')
  const watching = ['watch', folder, '--group', 'builds', '--settle', '300ms', '--exclude', '*.log']
  const watch = following(ada, watching, [])
  await until(() => watch.told().includes('published builds:app, version 1 (2 files, 2 B)'), SOON_MS)

  // Neither a file that comes and goes nor one that is left out is a change.
  put(join(folder, 'lib/swap'), 's')
  rmSync(join(folder, 'lib/swap'))
  put(join(folder, 'lib/debug.log'), 'line')
  // In two writes, as programs do.
  put(join(folder, 'bin/tool'), 'x')
  appendFileSync(join(folder, 'bin/tool'), 'yz')
  rmSync(join(folder, 'lib/a'))
  await until(() => watch.told().includes('published builds:app, version 2 (1 file, 3 B)'), SOON_MS)
  await watch.end()
  expect(await versionsIn('builds')).toEqual({ app: 2 })
  const out = world.path('app-out')
  await bob.ok(['peer', 'download', 'builds:app', '-o', out])
  expect(readFileSync(join(out, 'bin/tool'), 'utf8')).toBe('xyz')
  expect(readdirSync(join(out, 'lib'))).toEqual([])

  const again = following(ada, watching, [])
  await until(() => again.told().includes('unchanged: builds:app, version 2'), SOON_MS)
  put(join(folder, 'bin/tool'), 'last')
  await until(() => again.told().includes('published builds:app, version 3'), SOON_MS)
  await again.end()
  const [plan] = (
    await ada.ok<{ plan: { version: number; isUnchanged: boolean }[] }>([...watching, '--dry-run'])
  ).plan
  expect(plan).toMatchObject({ version: 3, isUnchanged: true })
}, 120_000)

test('a folder that is never quiet is not published, and a file left out does not keep it from being quiet', async () => {
  await ada.ok('group create busy')
  const folder = world.path('busy')
  put(join(folder, 'a'), 'a')
  const writing = setInterval(() => appendFileSync(join(folder, 'noise.log'), 'x'), 50)
  try {
    const noisy = following(ada, ['watch', folder, '--group', 'busy', '--as', 'noisy', '--settle', '3s'], [])
    const words = ['--settle', '500ms', '--exclude', '*.log']
    const quiet = following(ada, ['watch', folder, '--group', 'busy', '--as', 'quiet', ...words], [])
    await until(() => quiet.told().includes('published busy:quiet, version 1'), SOON_MS)
    expect(await versionsIn('busy')).toEqual({ quiet: 1 })
    clearInterval(writing)
    await until(() => noisy.told().includes('published busy:noisy, version 1'), SOON_MS)
    await Promise.all([noisy.end(), quiet.end()])
  } finally {
    clearInterval(writing)
  }
}, 120_000)

test('a watch goes on when the folder is empty or cannot be published, and says why', async () => {
  await ada.ok('group create problems')
  const folder = world.path('problems')
  mkdirSync(folder)
  const watch = following(ada, ['watch', folder, '--group', 'problems', '--settle', '200ms'], [])
  await until(
    () => watch.told().includes('is empty, or all of it is excluded: nothing is published'),
    SOON_MS,
  )
  put(join(folder, 'z\u00e9'), '1')
  put(join(folder, 'ze\u0301'), '2')
  await until(
    () => watch.told().includes('not published: names differ only in case or Unicode form'),
    SOON_MS,
  )
  expect(await versionsIn('problems')).toEqual({})
  rmSync(join(folder, 'ze\u0301'))
  await until(() => watch.told().includes('published problems:problems, version 1'), SOON_MS)
  symlinkSync('/etc/passwd', join(folder, 'away'))
  await until(() => watch.told().includes('not published: the link "away"'), SOON_MS)
  rmSync(join(folder, 'away'))
  put(join(folder, 'more'), 'm')
  await until(() => watch.told().includes('published problems:problems, version 2'), SOON_MS)
  await watch.end()
}, 120_000)

test('a file that changes while it is read is told, and the folder is published once it is quiet', async () => {
  await ada.ok('group create moving')
  const folder = world.path('moving')
  put(join(folder, 'large'), '')
  // Takes long enough to hash.
  truncateSync(join(folder, 'large'), 256 * 1024 * 1024)
  const watching = ['watch', folder, '--group', 'moving', '--settle', '200ms', '--progress', 'ndjson']
  const watch = following(ada, watching, [])
  await until(() => watch.told().includes('"event":"start"'), SOON_MS)
  appendFileSync(join(folder, 'large'), 'more')
  await until(() => watch.told().includes('large changed while it was read; trying again'), SOON_MS)
  truncateSync(join(folder, 'large'), 1000)
  await until(() => watch.told().includes('(1 file, 1000 B)'), SOON_MS)
  await watch.end()
}, 120_000)

test('with --files, names that are one in Unicode NFC are not published over each other, and the watch says so', async () => {
  await ada.ok('group create forms')
  const folder = world.path('forms')
  put(join(folder, 'z\u00e9'), '1')
  put(join(folder, 'ze\u0301'), '2')
  put(join(folder, 'Folder/a'), 'a')
  put(join(folder, 'folder/b'), 'b')
  put(join(folder, 'clear'), 'c')
  const words = ['--group', 'forms', '--files', '--settle', '200ms']
  const dry = await ada.ok<{ plan: { publish: string[] } }>(['watch', folder, ...words, '--dry-run'])
  expect(dry.plan.publish).toEqual(['clear'])
  const watch = following(ada, ['watch', folder, ...words], [])
  await until(() => watch.told().includes('published forms:clear, version 1'), SOON_MS)
  expect(watch.told()).toContain('not published: names differ only in case or Unicode form')
  rmSync(join(folder, 'ze\u0301'))
  rmSync(join(folder, 'folder'), { recursive: true })
  await until(async () => Object.keys(await versionsIn('forms')).length === 3, SOON_MS)
  await watch.end()
  expect(await versionsIn('forms')).toEqual({ 'Folder/a': 1, clear: 1, 'z\u00e9': 1 })
}, 120_000)

test('--dry-run tells how the folder differs from its last snapshot, and publishes nothing', async () => {
  await ada.ok('group create plans')
  const folder = world.path('plans')
  put(join(folder, 'sub/a'), 'a')
  put(join(folder, 'b'), 'b')
  const watching = ['watch', folder, '--group', 'plans', '--dry-run']
  interface Plan {
    plan: { version: number; changes: object }[]
  }
  const first = await ada.ok<Plan>(watching)
  expect(first.plan).toMatchObject([{ version: 1, changes: { added: ['b', 'sub', 'sub/a'] } }])
  expect(await versionsIn('plans')).toEqual({})
  await ada.ok(['peer', 'upload', folder, '--group', 'plans'])
  put(join(folder, 'sub/new'), 'n')
  put(join(folder, 'b'), 'bb')
  rmSync(join(folder, 'sub/a'))
  const second = await ada.ok<Plan>(watching)
  expect(second.plan).toMatchObject([
    { version: 2, changes: { added: ['sub/new'], changed: ['b'], removed: ['sub/a'] } },
  ])
  expect(await versionsIn('plans')).toEqual({ plans: 1 })
})

test('--exclude without a snapshot is refused, so that nothing is published that was to be left out', async () => {
  const folder = world.path('exclude')
  put(join(folder, 'secret'), 's')
  for (const command of [['watch'], ['peer', 'upload']]) {
    const line = [...command, folder, '--group', 'drop', '--files', '--exclude', 'secret']
    expect(await ada.fails(line)).toMatchObject({ exit: 2, code: 'USAGE' })
  }
})

interface Listed {
  files: { name: string; version: number; size: number }[]
}

test('with --files each file is published once it is settled, and again when it has changed', async () => {
  await ada.ok('group create drop')
  const folder = world.path('drop')
  mkdirSync(folder)
  writeFileSync(join(folder, 'first'), '1')
  const watching = ['watch', folder, '--group', 'drop', '--as', 'in', '--files', '--settle', '300ms']
  const watch = following(ada, watching)
  const published = async (): Promise<string[]> =>
    (await ada.ok<Listed>('group files drop')).files.map(
      ({ name, version, size }) => `${name} ${version} ${size}`,
    )
  const shows = async (expected: string[]): Promise<void> => {
    await until(async () => JSON.stringify(await published()) === JSON.stringify(expected), SOON_MS)
  }
  await shows(['in/first 1 1'])

  // In two writes, as programs do: what is published in the end is all of it.
  writeFileSync(join(folder, 'grows'), 'x')
  appendFileSync(join(folder, 'grows'), 'yz')
  await shows(['in/first 1 1', 'in/grows 1 3'])

  mkdirSync(join(folder, 'sub'))
  writeFileSync(join(folder, 'sub/later'), '123')
  writeFileSync(join(folder, 'first'), '12')
  await shows(['in/first 2 2', 'in/grows 1 3', 'in/sub/later 1 3'])
  // What was published last is in the group before the command hears of it.
  expect(namesOf(await watch.end()).slice(0, 2)).toEqual(['in/first', 'in/grows'])

  // What was published stays so over a restart; what came meanwhile is found.
  writeFileSync(join(folder, 'meanwhile'), '1234')
  const again = following(ada, watching)
  await until(async () => (await published()).includes('in/meanwhile 1 4'), SOON_MS)
  expect(namesOf(await again.end()).filter((name) => name !== 'in/meanwhile')).toEqual([])
}, 120_000)

test('a folder that is not there, or a group that refuses, ends a watch with a clear error', async () => {
  await ada.ok('group create closed')
  const folder = world.path('refused')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), 'x')
  for (const words of [[], ['--files']]) {
    const watch = (path: string): string[] => [
      'watch',
      path,
      '--group',
      'closed',
      '--settle',
      '100ms',
      ...words,
    ]
    expect(await ada.fails(watch(world.path('nowhere')))).toMatchObject({ exit: 10, code: 'PATH_NOT_FOUND' })
    expect(await ada.fails(watch(join(folder, 'file')))).toMatchObject({ exit: 10 })
    expect(await bob.fails(watch(folder))).toMatchObject({ exit: 4, code: 'NOT_A_MEMBER' })
  }
})
