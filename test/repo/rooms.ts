export interface Room {
  /** Rooms that it may import, beside itself. */
  imports: readonly string[]
  /** Printed when the rule is broken. */
  why: string
}

/** The client of the tracker, which is no part of the server. */
const CLIENT = ['tracker-client/api', 'tracker-client']
const CLI_PARTS = ['cli/text', 'cli/home', 'cli/process', 'cli/input', 'cli/render', 'cli/plugins']
/** The rooms that commands and plugins both use. */
const PROGRAM = ['cli', ...CLI_PARTS, 'tracker', ...CLIENT, 'peer', 'peer/control', 'peer/wire', 'protocol']

/**
 * The floors of the house (docs/ARCHITECTURE.md): a file may import its own room and those named here. The
 * longest name that a path begins with is its room.
 */
export const ROOMS: Record<string, Room> = {
  protocol: { imports: [], why: 'both sides agree on it, so it may depend on neither' },
  packed: {
    imports: ['protocol'],
    why: 'the lowest effects: threads, and files of the checkout, of the binary or of one user',
  },
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
  'peer/wire': {
    imports: ['packed', 'protocol'],
    why: 'identity, pins and rates are below all that moves bytes',
  },
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
    imports: ['peer/control', 'peer/hash', 'peer/serve', 'peer/tree', ...CLIENT, 'protocol'],
    why: 'an upload hashes, publishes and serves; it fetches nothing',
  },
  'peer/tracker-link': {
    imports: ['peer/wire', 'peer/serve', ...CLIENT, 'packed', 'protocol'],
    why: 'it reports what is served and moved, and starts neither',
  },
  'peer/worker': {
    imports: [
      'peer/download/queue',
      'peer/download/disk',
      'peer/fetch',
      'peer/tree',
      'peer/wire',
      'packed',
      'redis',
      'protocol',
    ],
    why: 'a worker process takes part in a queue without being a peer',
  },
  'peer/download/plan': { imports: ['protocol'], why: 'the simulator runs the same picker and scheduler' },
  'peer/download/swarm': {
    imports: ['peer/download/plan', 'peer/control', 'peer/fetch', 'peer/wire', ...CLIENT, 'protocol'],
    why: 'a swarm chooses what to ask of whom; it knows neither queue nor disk',
  },
  'peer/download/disk': {
    imports: ['peer/hash', 'peer/serve', 'peer/tree', 'peer/wire', ...CLIENT, 'protocol'],
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
      ...CLIENT,
      'packed',
      'redis',
      'protocol',
    ],
    why: 'a peer talks to trackers through tracker-client and never opens their store',
  },
  'cli/text': { imports: ['protocol'], why: 'what people write and read, as pure functions' },
  'cli/home': {
    imports: ['cli/text', ...CLIENT, 'packed', 'protocol'],
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
    imports: ['cli/text', 'peer', 'peer/control', 'packed', ...CLIENT, 'protocol'],
    why: 'it renders what it is given and asks nobody',
  },
  'cli/plugins': {
    imports: ['cli/process', 'cli/home', 'cli/text', 'cli/render', 'tracker', 'peer', 'packed', 'protocol'],
    why: 'it installs and loads plugins; commands and plugins use it',
  },
  cli: {
    imports: [
      ...CLI_PARTS,
      'tracker',
      ...CLIENT,
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
    imports: [...PROGRAM, 'peer/worker'],
    why: 'a command is flags, one call and one rendering',
  },
  'plugin-api': {
    imports: [...PROGRAM, 'peer/download/disk', 'peer/download/swarm', 'peer/tree', 'packed'],
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
/** "*" in the table above means every room except these. */
export const TEST_ROOMS = new Set(['testkit', 'bench', 'scripts', 'test'])

/** Packages that are one room's business; all others may be used by any room but protocol. */
export const OWNERS: Record<string, readonly string[]> = {
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
export const PURE = ['protocol', 'peer/download/plan', 'cli/text']
export const PURE_MODULES = new Set(['node:crypto', 'node:net'])
export const EFFECTS =
  /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|random(?:Bytes|UUID|Int)|set(?:Timeout|Interval|Immediate)\(|process\.(?!getBuiltinModule)\w|fetch\(|createServer|createConnection)/
