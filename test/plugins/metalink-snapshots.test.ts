import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sha256 } from '../../protocol/merkle.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { aria2, tested } from '../support/programs.ts'

interface Written {
  files: { name: string; size: number; urls: string[] }[]
  certificate: string
  links: number
}

interface Listed {
  files: { seeders: number }[]
}

const world = new World()
let ada: Home
let bob: Home
const content = randomBytes(3_000_001)
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
}, 60_000)
afterAll(() => world.close())

const build = { 'bin/tool': Buffer.from('tool'), 'lib/large': content, 'lib/100% é': Buffer.from('odd') }
/** A peer of ada's that serves a snapshot with a link, and the answer of `metalink` to bob. */
async function serveSnapshot(
  words: string[],
  target: string,
): Promise<Written & { end(): Promise<unknown> }> {
  const running = await ada.start(['peer', 'start', '--listen', '127.0.0.1:0', ...words])
  const root = join(ada.folder, 'build')
  for (const [path, data] of Object.entries(build)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    if (!existsSync(join(root, path))) writeFileSync(join(root, path), data)
  }
  if (!existsSync(join(root, 'run'))) symlinkSync('bin/tool', join(root, 'run'))
  await ada.ok('peer upload build --group team')
  const served = async () => (await ada.ok<Listed>('group files team build')).files
  await until(async () => (await served()).every(({ seeders }) => seeders > 0))
  const file = world.path('build.meta4')
  const written = await bob.ok<Written>([
    ...['metalink', target, '-o', file, '--force', '--ca-file', world.path('build.pem'), ...words],
  ])
  return { ...written, end: () => running.end() }
}

test('the files of a snapshot are listed with their SHA-256, and each URL serves one, whole and in ranges', async () => {
  const { files, links, end } = await serveSnapshot(['--no-tls'], 'team:build')
  const text = readFileSync(world.path('build.meta4'), 'utf8')
  const names = ['build/bin/tool', 'build/lib/100% é', 'build/lib/large']
  expect(files.map(({ name }) => name)).toEqual(names)
  expect([...text.matchAll(/<file name="(.*)">/g)].map(([, name]) => name)).toEqual(names)
  expect(text).not.toContain('<pieces')
  expect(links).toBe(1)
  for (const { name, size, urls } of files) {
    const data = build[name.slice('build/'.length) as keyof typeof build]
    expect(size).toBe(data.length)
    expect(text).toContain(`<hash type="sha-256">${sha256(data).toString('hex')}</hash>`)
    const whole = await fetch(urls[0]!)
    expect(Buffer.from(await whole.arrayBuffer()).equals(data)).toBe(true)
    const range = await fetch(urls[0]!, { headers: { range: 'bytes=1-' } })
    expect(range.status).toBe(206)
    expect(Buffer.from(await range.arrayBuffer()).equals(data.subarray(1))).toBe(true)
  }
  const missing = await fetch(files[0]!.urls[0]!.replace('bin/tool', 'bin/none'))
  expect(missing.status).toBe(404)
  expect(await missing.json()).toMatchObject({ error: { code: 'FILE_NOT_FOUND' } })
  await end()
}, 60_000)

test('a version or a part of a snapshot is listed alone', async () => {
  const { files, end } = await serveSnapshot([], 'team:build@1/lib')
  expect(files.map(({ name }) => name)).toEqual(['build/lib/100% é', 'build/lib/large'])
  expect(await bob.fails('metalink team:build/none')).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
  await end()
}, 60_000)

tested('curl')(
  'curl fetches a file of a snapshot over mutual TLS, and continues one that was cut short',
  async () => {
    const { files, certificate, end } = await serveSnapshot([], 'team:build/lib/large')
    const target = world.path('large')
    writeFileSync(target, content.subarray(0, 1_000_000))
    await promisify(execFile)('curl', [
      ...['-sS', '--fail', '--noproxy', '*', '--cert', certificate, '--cacert', world.path('build.pem')],
      ...['-C', '-', '-o', target, files[0]!.urls[0]!],
    ])
    expect(readFileSync(target).equals(content)).toBe(true)
    await end()
  },
  60_000,
)

tested('aria2c')(
  'aria2 fetches a snapshot and checks each file',
  async () => {
    const { end } = await serveSnapshot(['--no-tls'], 'team:build')
    const folder = world.path('aria2-build')
    expect(await aria2(world.path('build.meta4'), folder)).toMatchObject({ code: 0 })
    await end()
    for (const [path, data] of Object.entries(build))
      expect(readFileSync(join(folder, 'build', path)).equals(data)).toBe(true)
  },
  60_000,
)
