import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

interface Room {
  /** Rooms that it may import, beside itself. */
  imports: readonly string[]
  /** Printed when the rule is broken. */
  why: string
}

/**
 * The floors of the house (docs/ARCHITECTURE.md): a file may import its own room and those named here. The
 * longest name that a path begins with is its room.
 */
const ROOMS: Record<string, Room> = {
  protocol: { imports: [], why: 'both sides agree on it, so it may depend on neither' },
  packed: { imports: ['protocol'], why: 'the lowest effects: files of the checkout or of the binary' },
  redis: { imports: ['packed', 'protocol'], why: 'it connects to Redis and knows nothing of what is stored' },
  'tracker-store': { imports: ['packed', 'redis', 'protocol'], why: 'metadata knows nothing of HTTP' },
  'tracker-client/api': {
    imports: ['protocol'],
    why: 'the schemas are shared by the tracker and its clients',
  },
  'tracker-client': { imports: ['tracker-client/api', 'protocol'], why: 'a client is no part of the server' },
  tracker: {
    imports: ['tracker-client/api', 'tracker-store', 'packed', 'redis', 'protocol'],
    why: 'the server shares only the schemas with its clients, and never touches a peer',
  },
  'peer/wire': { imports: ['protocol'], why: 'identity, pins and rates are below all that moves bytes' },
  'peer/control': { imports: ['redis', 'protocol'], why: 'commands load it without loading the peer' },
  'peer/fetch': {
    imports: ['peer/tree', 'peer/wire', 'packed', 'protocol'],
    why: 'fetch threads move bytes and decide nothing: they know no download, queue or tracker',
  },
  'peer/tree': {
    imports: ['packed', 'protocol'],
    why: 'folders as streams: it knows no swarm, tracker or catalog',
  },
  'peer/hash': { imports: ['peer/control', 'packed', 'protocol'], why: 'hashing knows files only' },
  'peer/serve': {
    imports: ['peer/tree', 'peer/wire', 'tracker-client/api', 'protocol'],
    why: 'a peer serves without its downloads and without a tracker',
  },
  'peer/upload': {
    imports: [
      'peer/control',
      'peer/hash',
      'peer/serve',
      'peer/tree',
      'tracker-client/api',
      'tracker-client',
      'protocol',
    ],
    why: 'an upload hashes, publishes and serves; it fetches nothing',
  },
  'peer/tracker-link': {
    imports: ['peer/wire', 'peer/serve', 'tracker-client/api', 'tracker-client', 'packed', 'protocol'],
    why: 'it reports what is served and moved, and starts neither',
  },
  'peer/worker': {
    imports: [
      'peer/download/queue',
      'peer/download/disk',
      'peer/fetch',
      'peer/wire',
      'packed',
      'redis',
      'protocol',
    ],
    why: 'a worker process takes part in a queue without being a peer',
  },
  'peer/download/plan': { imports: ['protocol'], why: 'the simulator runs the same picker and scheduler' },
  'peer/download/swarm': {
    imports: [
      'peer/download/plan',
      'peer/control',
      'peer/fetch',
      'peer/wire',
      'tracker-client/api',
      'tracker-client',
      'protocol',
    ],
    why: 'a swarm chooses what to ask of whom; it knows neither queue nor disk',
  },
  'peer/download/disk': {
    imports: [
      'peer/hash',
      'peer/serve',
      'peer/tree',
      'peer/wire',
      'tracker-client/api',
      'tracker-client',
      'protocol',
    ],
    why: 'the part file is the truth: it knows no swarm and no queue',
  },
  'peer/download/queue': {
    imports: ['peer/download/disk', 'peer/tree', 'redis', 'protocol'],
    why: 'all of BullMQ is here, and the queue only carries',
  },
  peer: {
    imports: [
      'peer/wire',
      'peer/control',
      'peer/fetch',
      'peer/hash',
      'peer/serve',
      'peer/tree',
      'peer/upload',
      'peer/tracker-link',
      'peer/worker',
      'peer/download/plan',
      'peer/download/swarm',
      'peer/download/disk',
      'peer/download/queue',
      'tracker-client/api',
      'tracker-client',
      'packed',
      'redis',
      'protocol',
    ],
    why: 'a peer talks to trackers through tracker-client and never opens their store',
  },
  'cli/text': { imports: ['protocol'], why: 'what people write and read, as pure functions' },
  'cli/home': {
    imports: ['cli/text', 'tracker-client/api', 'tracker-client', 'protocol'],
    why: 'files of the home, below all that runs',
  },
  'cli/process': {
    imports: ['cli/home', 'packed', 'protocol'],
    why: 'signals, exit codes and child processes',
  },
  'cli/input': {
    imports: ['cli/process', 'cli/home', 'cli/text', 'peer', 'protocol'],
    why: 'it reads what the user gave and renders nothing',
  },
  'cli/render': {
    imports: [
      'cli/text',
      'peer',
      'peer/control',
      'packed',
      'tracker-client/api',
      'tracker-client',
      'protocol',
    ],
    why: 'it renders what it is given and asks nobody',
  },
  'cli/plugins': {
    imports: ['cli/process', 'cli/home', 'cli/text', 'cli/render', 'tracker', 'peer', 'packed', 'protocol'],
    why: 'it installs and loads plugins; commands and plugins use it',
  },
  cli: {
    imports: [
      'cli/text',
      'cli/home',
      'cli/process',
      'cli/input',
      'cli/render',
      'cli/plugins',
      'tracker',
      'tracker-client/api',
      'tracker-client',
      'peer',
      'peer/control',
      'peer/hash',
      'peer/serve',
      'peer/worker',
      'packed',
      'protocol',
    ],
    why: 'commands share it; it reaches the services through their composition roots',
  },
  commands: {
    imports: [
      'cli',
      'cli/text',
      'cli/home',
      'cli/process',
      'cli/input',
      'cli/render',
      'cli/plugins',
      'tracker',
      'tracker-client/api',
      'tracker-client',
      'peer',
      'peer/control',
      'peer/wire',
      'peer/worker',
      'protocol',
    ],
    why: 'a command is flags, one call and one rendering',
  },
  'plugin-api': {
    imports: [
      'cli',
      'cli/text',
      'cli/home',
      'cli/process',
      'cli/input',
      'cli/render',
      'cli/plugins',
      'tracker',
      'tracker-client/api',
      'tracker-client',
      'peer',
      'peer/control',
      'peer/download/disk',
      'peer/download/swarm',
      'peer/tree',
      'peer/wire',
      'packed',
      'protocol',
    ],
    why: 'it is all that a plugin may import',
  },
  plugins: { imports: [], why: 'a plugin uses @shoal/plugin and nothing else of Shoal' },
  bin: {
    imports: [
      'commands',
      'cli',
      'cli/process',
      'cli/plugins',
      'plugin-api',
      'plugins',
      'packed',
      'package.json',
      'oclif.manifest.json',
    ],
    why: 'it starts the program and holds no logic',
  },
  testkit: {
    imports: ['*'],
    why: 'benches and tests both stand on it, so it imports neither',
  },
  bench: { imports: ['*', 'testkit'], why: 'benches share with tests through testkit' },
  scripts: { imports: ['*', 'testkit'], why: 'scripts build and generate; tests are not theirs' },
  test: { imports: ['*', 'testkit', 'bench', 'scripts', 'examples'], why: 'tests may import everything' },
}
/** What the rooms of test code may import by "*". */
const TEST_ROOMS = new Set(['testkit', 'bench', 'scripts', 'test'])

/** Packages that are one room's business; all others may be used by any room but protocol. */
const OWNERS: Record<string, readonly string[]> = {
  '@oclif/core': ['cli', 'commands', 'plugin-api'],
  '@inquirer/password': ['cli'],
  'cli-progress': ['cli'],
  'modern-tar': ['cli'],
  fastify: ['tracker/'],
  '@fastify/swagger': ['tracker/'],
  '@fastify/type-provider-typebox': ['tracker/'],
  bullmq: ['peer/download/queue', 'peer/worker'],
  '@peculiar/x509': ['peer'],
}

/** Rooms whose functions depend on their arguments alone, and the modules of Node that are pure too. */
const PURE = ['protocol', 'peer/download/plan', 'cli/text']
const PURE_MODULES = new Set(['node:crypto', 'node:net'])
const EFFECTS =
  /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|random(?:Bytes|UUID|Int)|set(?:Timeout|Interval|Immediate)\(|process\.(?!getBuiltinModule)\w|fetch\(|createServer|createConnection)/

const root = join(import.meta.dirname, '../..')
const ROOM_NAMES = Object.keys(ROOMS).sort((a, b) => b.length - a.length)
const roomOf = (path: string): string => ROOM_NAMES.find((room) => path.startsWith(`${room}/`)) ?? path

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')

interface Source {
  path: string
  text: string
  imports: string[]
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{}\s,$]+?\sfrom\s*)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/g

function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2]) as string)
}

const tops = new Set(ROOM_NAMES.map((room) => room.split('/')[0] as string))
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n')
const sources: Source[] = files
  .filter((path) => tops.has(path.split('/')[0] as string) && path !== 'test/repo/boundaries.test.ts')
  .flatMap((path) => {
    try {
      const text = readFileSync(join(root, path), 'utf8')
      return [{ path, text, imports: importsOf(text) }]
    } catch {
      // Removed, and not committed yet.
      return []
    }
  })
const programs = sources.filter(({ path }) => !TEST_ROOMS.has(path.split('/')[0] as string))

const targetOf = (path: string, name: string): string => normalize(join(dirname(path), name))

test('the scanner sees every form of import', () => {
  const text = `
    import a from './a.ts'
    import { type B, c } from "./b.ts"
    import type { D } from './d.ts'
    import * as e from 'e'
    import './f.ts'
    export { g } from './g.ts'
    export * from './h.ts'
    const i = await import('./i.ts')
    type J = import('./j.ts').J
  `
  expect(importsOf(text)).toEqual([
    './a.ts',
    './b.ts',
    './d.ts',
    'e',
    './f.ts',
    './g.ts',
    './h.ts',
    './i.ts',
    './j.ts',
  ])
  expect(programs.length).toBeGreaterThan(50)
})

test('a room imports only the floors below it', () => {
  const wrong = sources.flatMap(({ path, imports }) => {
    const room = roomOf(path)
    const { imports: allowed, why } = ROOMS[room]!
    return imports
      .filter((name) => name.startsWith('.'))
      .map((name) => targetOf(path, name))
      .filter((target) => {
        const other = roomOf(target)
        if (other === room || allowed.includes(other)) return false
        return !(allowed.includes('*') && !TEST_ROOMS.has(other))
      })
      .map((target) => `${path} imports ${target}, but ${room}: ${why}`)
  })
  expect(wrong).toEqual([])
})

test('no file imports itself by way of others', () => {
  const graph = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((name) => name.startsWith('.')).map((name) => targetOf(path, name)),
    ]),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, way: string[]): void => {
    const at = way.indexOf(path)
    if (at >= 0) cycles.push([...way.slice(at), path].join(' -> '))
    if (at >= 0 || done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  expect(cycles).toEqual([])
})

test('a pure room has no clock, socket, file, process or randomness of its own: callers pass them in', () => {
  const wrong = programs
    .filter(({ path }) => PURE.includes(roomOf(path)))
    .flatMap(({ path, text, imports }) => [
      ...imports
        .filter((name) => name.startsWith('node:') && !PURE_MODULES.has(name))
        .map((name) => `${path} imports ${name}`),
      ...[...text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').matchAll(new RegExp(EFFECTS, 'g'))].map(
        ([effect]) => `${path} uses ${effect}`,
      ),
    ])
  expect(wrong).toEqual([])
})

test('a package is used by the room whose business it is, and protocol uses none', () => {
  const wrong = programs.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
      .map(packageOf)
      .filter((name) => {
        if (path.startsWith('protocol/')) return true
        return !(OWNERS[name]?.some((owner) => path.startsWith(owner)) ?? true)
      })
      .map((name) => `${path} imports ${name}`),
  )
  expect(wrong).toEqual([])
})

test('a plugin uses the public plugin API, its own files, and the packages that its package.json names', () => {
  const wrong = programs
    .filter(({ path }) => path.startsWith('plugins/'))
    .flatMap(({ path, imports }) => {
      const plugin = path.split('/').slice(0, 2).join('/')
      const { dependencies } = JSON.parse(readFileSync(join(root, plugin, 'package.json'), 'utf8'))
      return imports
        .filter((name) =>
          name.startsWith('.')
            ? !targetOf(path, name).startsWith(`${plugin}/`)
            : !name.startsWith('node:') && !(packageOf(name) in dependencies),
        )
        .map((name) => `${path} imports ${name}`)
    })
  expect(wrong).toEqual([])
})

test('no source file is longer than 300 lines', () => {
  const long = programs.filter(({ text }) => text.split('\n').length > 301)
  expect(long.map(({ path }) => path)).toEqual([])
})

test('no folder holds more than 24 files side by side', () => {
  const counts = new Map<string, number>()
  for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  expect([...counts].filter(([, count]) => count > 24)).toEqual([])
})
