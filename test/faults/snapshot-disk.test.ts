import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { workingFolder, workingName } from '../../peer/download/disk/working-name.ts'
import { ownNamespaces } from '../../testkit/namespaces.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { type DiskFault, onFailingDisk } from '../support/faults/failing-disk.ts'
import { fill } from '../support/faults/full-disk.ts'
import { FollowedDownload } from '../support/followed-download.ts'
import { contentsOf } from '../support/trees.ts'

const onLinux = process.platform === 'linux' ? test : test.skip
const world = new World()
let ada: Home
let bob: Home
let root: string
let newest: Map<string, string>
let id: string
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  await ada.ok('peer start --detach')
  root = join(ada.folder, 'tree')
  mkdirSync(join(root, 'd'), { recursive: true })
  for (let i = 0; i < 20; i++) writeFileSync(join(root, `d/f${i}`), randomBytes(400_000))
  writeFileSync(join(root, 'e'), 'first')
  newest = contentsOf(root)
  const { files } = await ada.ok<{ files: { fileId: string }[] }>('peer upload tree --group team')
  id = files[0]!.fileId
}, 60_000)
afterAll(() => world.close(), 60_000)

/** A member's home whose peer has mounts of its own, made by `script` with `places` ($1 and so on). */
async function homeWith(
  name: string,
  script: string,
  ...places: string[]
): Promise<{ home: Home; pid: unknown }> {
  const home = await world.home(name).join(name)
  await ada.admit('team', home)
  const under = ownNamespaces([], script, ...places.map((place) => join(home.folder, place)))
  const peer = await home.start('peer start', { under })
  return { home, pid: peer.ready.pid }
}

const working = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.includes('shoal-part'))

onLinux(
  'a disk that fills up in the download of a snapshot ends it with NO_SPACE; with space it goes on and is whole',
  async () => {
    const script = 'mkdir -p "$1" && mount -t tmpfs -o size=24m tmpfs "$1" && shift && exec "$@"'
    const { home, pid } = await homeWith('finn', script, 'small')
    const inside = `/proc/${pid}/root${join(home.folder, 'small')}`
    const out = join(home.folder, 'small/tree')
    const download = new FollowedDownload(home, 'team:tree', '-o', out, '--max-down', '4MB')
    await download.has(1_000_000)
    fill(join(inside, 'filler'))
    const { code, error } = await download.end()
    expect({ code, error }).toMatchObject({ code: 10, error: { code: 'NO_SPACE' } })
    expect(error!.message).toMatch(new RegExp(`^${home.folder}/small/[^\\n]+: no space left on device$`))
    expect(download.blamed).toEqual([])
    expect(existsSync(join(inside, 'tree'))).toBe(false)
    rmSync(join(inside, 'filler'))
    const { files } = await home.ok<{ files: { bytesReused: number }[] }>([
      'peer',
      'download',
      'team:tree',
      '-o',
      out,
    ])
    expect(files[0]!.bytesReused).toBeGreaterThan(0)
    expect(contentsOf(join(inside, 'tree'))).toEqual(newest)
    expect(working(inside)).toEqual([])
  },
  60_000,
)

onLinux(
  'a snapshot does not go to a read-only folder: not as a new one, and not over an earlier version, which stays',
  async () => {
    const script =
      'mkdir -p "$1" && mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    const home = await world.home('gert').join('gert')
    await ada.admit('team', home)
    const out = join(home.folder, 'locked/tree')
    mkdirSync(join(ada.folder, 'parts'))
    writeFileSync(join(ada.folder, 'parts/e'), 'first')
    await ada.ok('peer upload parts --group team')
    await home.ok(['peer', 'download', 'team:parts', '-o', out, '--once'])
    const first = contentsOf(out)
    mkdirSync(join(ada.folder, 'next/d'), { recursive: true })
    writeFileSync(join(ada.folder, 'next/e'), 'second')
    await ada.ok('peer upload next --group team --as parts')
    await home.start('peer start', { under: ownNamespaces([], script, join(home.folder, 'locked')) })
    for (const name of ['new', 'tree']) {
      const error = await home.fails([
        'peer',
        'download',
        'team:tree',
        '-o',
        join(home.folder, 'locked', name),
      ])
      expect(error).toMatchObject({
        exit: 10,
        code: 'NO_PERMISSION',
        hint: expect.stringContaining('read-only'),
      })
      expect(error.message).toContain(join(home.folder, 'locked'))
    }
    expect(contentsOf(out)).toEqual(first)
    expect(readdirSync(join(home.folder, 'locked'))).toEqual(['tree'])
  },
  60_000,
)

onLinux(
  'a snapshot goes into a folder that is a mount point, for which the working folder is inside it',
  async () => {
    const script =
      'mkdir -p "$1" "$2" && mount -t tmpfs tmpfs "$1" && mount --bind "$2" "$2" && shift 2 && exec "$@"'
    const { home, pid } = await homeWith('hanna', script, 'mounted', 'bound')
    for (const name of ['mounted', 'bound']) {
      const out = join(home.folder, name)
      await home.ok(['peer', 'download', 'team:tree', '-o', out])
      expect(contentsOf(`/proc/${pid}/root${out}`)).toEqual(newest)
      expect(working(`/proc/${pid}/root${out}`)).toEqual([])
    }
    expect(working(home.folder)).toEqual([])
  },
  60_000,
)

onLinux(
  'a mount inside the target ends an update with the path and exit 10, and without it a re-run is whole',
  async () => {
    const script = 'mkdir -p "$1" && mount -t tmpfs tmpfs "$1" && shift && exec "$@"'
    const { home } = await homeWith('ivan', script, 'out/d')
    const line = ['peer', 'download', 'team:tree', '-o', join(home.folder, 'out')]
    const error = await home.fails(line)
    expect(error).toMatchObject({
      exit: 10,
      code: 'STORAGE_FAILED',
      hint: expect.stringContaining('file system'),
    })
    expect(error.message).toMatch(
      new RegExp(`^${home.folder}/out/d/f[0-9]+: cross-device link not permitted$`),
    )
    await home.ok('peer stop')
    await home.ok([...line, '--once'])
    expect(contentsOf(join(home.folder, 'out'))).toEqual(newest)
  },
  60_000,
)

const FAULTS: [
  name: string,
  call: DiskFault['call'],
  error: NonNullable<DiskFault['error']>,
  code: string,
][] = [
  ['jana', 'mkdir', 'EACCES', 'NO_PERMISSION'],
  ['karl', 'mkdir', 'EDQUOT', 'NO_SPACE'],
  ['lena', 'rename', 'EIO', 'STORAGE_FAILED'],
  ['mona', 'rename', 'EXDEV', 'STORAGE_FAILED'],
  ['nora', 'syncfs', 'EIO', 'STORAGE_FAILED'],
]

onLinux.each(FAULTS)(
  'the peer of %s cannot %s the working folder of a snapshot (%s): the download ends with %s, and a later run is whole',
  async (name, call, error, code) => {
    const home = await world.home(name).join(name)
    await ada.admit('team', home)
    const out = join(home.folder, 'out')
    const target = { path: out, kind: 'new', final: out, isSingle: false } as const
    const folder = workingFolder(await workingName(target, id))
    const peer = await home.start('peer start', { under: onFailingDisk(folder, { call, from: 1, error }) })
    const failure = await home.fails(['peer', 'download', 'team:tree', '-o', out])
    expect(failure).toMatchObject({ exit: 10, code })
    expect(failure.message).toContain(home.folder)
    expect(existsSync(out)).toBe(false)
    await home.ok('peer stop')
    await peer.end()
    const { files } = await home.ok<{ files: { bytesFetched: number }[] }>([
      'peer',
      'download',
      'team:tree',
      '-o',
      out,
      '--once',
    ])
    if (call === 'rename') expect(files[0]!.bytesFetched).toBe(0)
    expect(contentsOf(out)).toEqual(newest)
    expect(working(home.folder)).toEqual([])
  },
  60_000,
)

test('paths that cannot be are told of by their name, with exit 10, in uploads and downloads', async () => {
  const loop = join(bob.folder, 'loop')
  symlinkSync('loop', loop)
  writeFileSync(join(bob.folder, 'file'), 'mine')
  const long = join(bob.folder, 'n'.repeat(256))
  const deep = join(bob.folder, ...Array.from({ length: 30 }, () => 'd'.repeat(200)))
  const cases: [path: string, code: string][] = [
    [join(bob.folder, 'file/below'), 'PATH_IN_THE_WAY'],
    [join(loop, 'below'), 'PATH_IN_THE_WAY'],
    [loop, 'PATH_IN_THE_WAY'],
    [long, 'STORAGE_FAILED'],
    [join(long, 'below'), 'STORAGE_FAILED'],
    [deep, 'STORAGE_FAILED'],
  ]
  await bob.ok('peer start --detach')
  const places: [path: string, code: string][] = [...cases, [join(bob.folder, 'file'), 'PATH_IN_THE_WAY']]
  for (const [path, code] of places) {
    const failure = await bob.fails(['peer', 'download', 'team:tree', '-o', path])
    expect({ path, ...failure }).toMatchObject({ path, exit: 10, code, hint: expect.any(String) })
    expect(failure.message).toContain(bob.folder)
    expect(failure.message).not.toContain('\n')
  }
  for (const [path, code] of cases) {
    const failure = await bob.fails(['peer', 'upload', path, '--group', 'team', '--as', 'x'])
    expect({ path, ...failure }).toMatchObject({ path, exit: 10, code, hint: expect.any(String) })
  }
  expect(readFileSync(join(bob.folder, 'file'), 'utf8')).toBe('mine')
  expect(working(bob.folder)).toEqual([])
}, 60_000)
