import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import pjson from '../../package.json' with { type: 'json' }
import { type RunOptions, World } from '../../testkit/shoal.ts'
import { bareRoot, librariesOf } from '../support/bare-root.ts'

/** Tests the single binary that `npm run build:binary` makes. Run with SHOAL_BIN=dist/shoal. */
const DIST = join(import.meta.dirname, '../../dist')
const SHOAL = join(DIST, 'shoal')
const LINUX = process.platform === 'linux'

const read = (path: string): string => readFileSync(path, 'utf8')
const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number

function milliseconds(program: string, words: string[]): number {
  const start = performance.now()
  execFileSync(program, words, { stdio: 'ignore' })
  return performance.now() - start
}

describe('without Node, Redis, a shell, PATH or a user', () => {
  let world: World
  /** The folder that the program sees as "/": on Linux a root folder of its own. */
  let root: string
  let under: string[]

  beforeEach(() => {
    world = new World()
    root = world.path('root')
    mkdirSync(root)
    under = LINUX ? bareRoot(root, SHOAL) : []
  })
  afterEach(() => world.close())

  const inside = (path: string): string => (LINUX ? path : join(root, path))
  const outside = (path: string): string => join(root, path)
  const alone = (home: string): RunOptions => ({
    under,
    cwd: '/',
    env: {
      PATH: '',
      HOME: inside('/home'),
      SHELL: undefined,
      XDG_CACHE_HOME: undefined,
      SHOAL_HOME: inside(`/home/${home}`),
      WORLD: world.folder,
    },
  })

  test("a tracker and two peers start, and one peer downloads the other's file", async () => {
    const [ada, bob] = [world.home('ada'), world.home('bob')]
    const start = ['tracker', 'start', '--listen', '127.0.0.1:0', '--data', inside('/data')]
    const tracker = await ada.start(start, alone('operator'))
    world.trackers = [tracker.ready.url as string]
    for (const [home, user] of [
      [ada, 'ada'],
      [bob, 'bob'],
    ] as const)
      for (const what of ['register', 'login']) await home.ok(['user', what, user], alone(user))
    await ada.ok('group create team', alone('ada'))
    await bob.ok('group join team', alone('bob'))
    await ada.ok('group accept team bob', alone('ada'))

    writeFileSync(outside('/home/file'), Buffer.alloc(5_000_000, 'shoal'))
    await ada.ok(['peer', 'upload', inside('/home/file'), '--group', 'team'], alone('ada'))
    await bob.ok(['peer', 'download', 'team:file', '-o', inside('/home/copy')], alone('bob'))
    expect(hash(outside('/home/copy'))).toBe(hash(outside('/home/file')))
    await ada.ok('peer stop', alone('ada'))
    await bob.ok('peer stop', alone('bob'))
    expect(await tracker.end()).toBe(143)
  })

  test('a tracker starts without HOME', async () => {
    const { env, ...options } = alone('ada')
    const words = ['tracker', 'start', '--listen', '127.0.0.1:0', '--data', inside('/data')]
    const tracker = await world.home('ada').start(words, { ...options, env: { ...env, HOME: undefined } })
    expect(await tracker.end()).toBe(143)
  })

  test('the packed programs are unpacked where only their user can change them, and replaced when damaged', async () => {
    const home = world.home('ada')
    const run = async (): Promise<void> => {
      const words = ['tracker', 'start', '--listen', '127.0.0.1:0', '--data', inside('/data')]
      expect(await (await home.start(words, alone('ada'))).end()).toBe(143)
    }
    await run()
    const cache = outside('/home/.cache/shoal')
    const programs = readdirSync(cache, { recursive: true, encoding: 'utf8' })
      .map((name) => join(cache, name))
      .filter((path) => statSync(path).isFile())
    expect(programs.map((path) => basename(path)).sort()).toEqual(['keeper', 'valkey-server'])
    for (const path of [cache, ...programs, ...programs.map((path) => join(path, '..'))])
      expect([path, (statSync(path).mode & 0o777).toString(8)]).toEqual([path, '700'])
    for (const path of programs) writeFileSync(path, '#!/bin/false\n')
    await run()
  })
})

test('a tracker re-executes itself with the larger nursery that it has in a checkout', async () => {
  const world = new World()
  try {
    const tracker = await world.tracker()
    const pid = String(tracker.ready.pid)
    const line = LINUX
      ? read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'args=', '-p', pid], { encoding: 'utf8' })
    expect(line).toContain('--max-semi-space-size=16 tracker start')
    // A child would leave another exit status for the process that we started.
    expect(await tracker.end()).toBe(143)
  } finally {
    await world.close()
  }
})

test('the binary needs only the system libraries that Node needs', () => {
  const names = LINUX ? librariesOf(SHOAL).map((path) => basename(path)) : []
  const loader = /^ld-linux.*\.so\.\d$/
  // On Debian libatomic1 is a package of its own; the others always exist or come with libstdc++6.
  expect(names.filter((name) => !loader.test(name)).sort()).toEqual(
    LINUX
      ? 'libatomic.so.1 libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 libstdc++.so.6'.split(
          ' ',
        )
      : [],
  )
})

test("the binary ignores NODE_OPTIONS and rejects Node's options", () => {
  const env = { NODE_OPTIONS: '--require /nowhere.cjs --bogus', NODE_PATH: '/nowhere', HOME: '/nowhere' }
  const version = execFileSync(SHOAL, ['--version'], { env, encoding: 'utf8' })
  expect(version).toBe(`shoal/${pjson.version} ${process.platform}-${process.arch} node-${process.version}\n`)
  const { status, stderr } = spawnSync(SHOAL, ['--eval', '1'], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([2, expect.stringContaining('is not a command')])
})

test('--version takes less than 3 times, and --help less than 6 times, as long as bare Node', () => {
  const times = Array.from({ length: 7 }, () => ({
    version: milliseconds(SHOAL, ['--version']),
    help: milliseconds(SHOAL, ['--help']),
    node: milliseconds(process.execPath, ['-e', '0']),
  }))
  const [version, help, node] = (['version', 'help', 'node'] as const).map((name) =>
    median(times.map((time) => time[name])),
  ) as [number, number, number]
  // On an idle machine this takes 120 ms and Node takes 40.
  expect({ version, node, fast: version < 3 * node }).toMatchObject({ fast: true })
  expect({ help, node, fast: help < 6 * node }).toMatchObject({ fast: true })
})

test('V8 accepts the packed compiled code', () => {
  const said = spawnSync(SHOAL, ['--help'], { env: { ...process.env, DEBUG: '1' }, encoding: 'utf8' })
  expect(said.stdout).toContain('COMMANDS')
  expect(said.stderr).not.toContain('compiled code')
})

test('SHA256SUMS matches the files', () => {
  const lines = read(join(DIST, 'SHA256SUMS')).trimEnd().split('\n')
  expect(lines.map((line) => line.split('  ')[1])).toEqual(['shoal', 'shoal.cdx.json'])
  for (const [sum, name] of lines.map((line) => line.split('  ') as [string, string]))
    expect(hash(join(DIST, name))).toBe(sum)
})

test('shoal.cdx.json lists Node, the Redis server and every package, with versions and hashes', () => {
  const { bomFormat, specVersion, serialNumber, components } = JSON.parse(read(join(DIST, 'shoal.cdx.json')))
  expect({ bomFormat, specVersion }).toEqual({ bomFormat: 'CycloneDX', specVersion: '1.6' })
  expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
  const versions = new Map(components.map(({ name, version }: Named) => [name, version]))
  // Packages that only provide types are absent.
  const direct = Object.entries(pjson.dependencies).filter(([name]) => versions.has(name))
  expect(direct.map(([name]) => name)).toEqual(
    expect.arrayContaining(['@oclif/core', 'bullmq', 'fastify', 'ioredis', 'jose']),
  )
  expect(Object.fromEntries(versions)).toMatchObject({
    ...Object.fromEntries(direct),
    node: process.versions.node,
  })
  expect(versions.get('valkey')).toMatch(/^8\.1/)
  const refs = components.map((component: { 'bom-ref': string }) => component['bom-ref'])
  expect(new Set(refs).size).toBe(refs.length)
  expect(components.filter(({ type, hashes }: Hashed) => type !== 'application' && !hashes)).toEqual([])
})

interface Named {
  name: string
  version: string
}
interface Hashed {
  type: string
  hashes?: object[]
}

test('`shoal licenses` shows the licence of every component', () => {
  const { licenses } = JSON.parse(execFileSync(SHOAL, ['licenses', '--json'], { encoding: 'utf8' }))
  const texts = new Map<string, string>(
    licenses.map(({ name, text }: { name: string; text: string }) => [name, text]),
  )
  const { components } = JSON.parse(read(join(DIST, 'shoal.cdx.json')))
  expect([...texts.keys()].sort()).toEqual(
    [...new Set(['shoal', ...components.map(({ name }: Named) => name)])].sort(),
  )
  expect(texts.get('node')).toContain('Copyright Node.js contributors')
  expect(texts.get('valkey')).toContain('Salvatore Sanfilippo')
  // Packages that only provide browser files.
  expect(texts.get('preact')).toContain('Jason Miller')
  expect(texts.get('htm')).toContain('Apache License')
})
