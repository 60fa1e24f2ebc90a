import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { ownNamespaces } from '../../testkit/namespaces.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { type DiskFault, ONE_THREAD, onFailingDisk } from '../support/faults/failing-disk.ts'
import { fill } from '../support/faults/full-disk.ts'

const SIZE = 24 * CHUNK_SIZE
const CONTENT = randomBytes(SIZE)
const onLinux = process.platform === 'linux' ? test : test.skip
const world = new World()
let ada: Home
beforeAll(async () => {
  await world.tracker()
  ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
  writeFileSync(join(ada.folder, 'big'), CONTENT)
  await ada.ok('peer upload big --group team')
}, 60_000)
afterAll(() => world.close(), 60_000)

async function member(name: string): Promise<Home> {
  const home = await world.home(name).join(name)
  await ada.admit('team', home)
  return home
}

interface Failure {
  exit: number | null
  code: string
  message: string
  hint: string
  /** The reported states of peers. */
  peers: { state: string; reason?: string }[]
}

/** Downloads the file with the home's peer, which is to fail. */
async function failingDownload(home: Home, words: string[] = []): Promise<Failure> {
  const line = ['peer', 'download', 'team:big', '--progress', 'ndjson', '--json', ...words]
  const { code, stdout, stderr } = await home.run(line)
  const events = stderr.split('\n').flatMap((text) => (text.startsWith('{"event') ? [JSON.parse(text)] : []))
  return {
    exit: code,
    ...JSON.parse(stdout.toString()).error,
    peers: events.filter(({ event }) => event === 'peer'),
  }
}

/** The open files of the process below `folder`. */
function openBelow(pid: unknown, folder: string): string[] {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return []
    }
  })
  return links.filter((link) => link.startsWith(folder))
}

/** It ends with the disk's own reason, the final name is absent, no peer is blamed, and nothing stays open. */
async function expectHonest(failure: Failure, home: Home, file: string, pids: unknown[]): Promise<void> {
  expect(failure).toMatchObject({ exit: 10, code: 'STORAGE_FAILED' })
  expect(failure.message).toBe(`${file}.shoal-part: i/o error`)
  expect(failure.peers.filter(({ state }) => state !== 'joined')).toEqual([])
  expect(existsSync(file)).toBe(false)
  for (const pid of pids) await until(() => openBelow(pid, file).length === 0)
  expect((await home.ok<{ downloads: unknown[] }>('peer status')).downloads).toEqual([])
}

/** A run without a fault completes, and does not believe a chunk that went bad meanwhile. */
async function expectRechecked(home: Home, file: string): Promise<void> {
  const part = await open(`${file}.shoal-part`, 'r+')
  await part.write(Buffer.from('bad'), 0, 3, 5)
  await part.close()
  const { files } = await home.ok<{ files: { bytesReused: number; bytesFetched: number }[] }>(
    'peer download team:big',
  )
  expect(readFileSync(file).equals(CONTENT)).toBe(true)
  const { bytesReused, bytesFetched } = files[0]!
  expect(bytesReused + bytesFetched).toBe(SIZE)
  expect(bytesReused).toBeGreaterThan(0)
  expect(bytesFetched).toBeGreaterThanOrEqual(CHUNK_SIZE)
  expect(readdirSync(home.folder).filter((name) => name.includes('shoal-part'))).toEqual([])
}

const CASES: [what: string, name: string, fault: DiskFault, words: string[]][] = [
  ['a sync that fails in the middle', 'bob', { call: 'fdatasync', from: 2 }, ['--max-down', '6MB']],
  ['the last sync, when all chunks are in,', 'carl', { call: 'fsync', from: 1 }, []],
  ['a write that fails', 'dora', { call: 'pwrite64', from: 5 }, ['--max-down', '6MB']],
]

onLinux.each(CASES)(
  '%s ends the download with the reason of the disk and blames no peer, and the next run rechecks',
  async (_, name, fault, words) => {
    const home = await member(name)
    const file = join(home.folder, 'big')
    const peer = await home.start('peer start', {
      under: onFailingDisk(`${file}.shoal-part`, fault),
      env: ONE_THREAD,
    })
    const failure = await failingDownload(home, words)
    await expectHonest(failure, home, file, [peer.ready.pid])
    await home.ok('peer stop')
    await expectRechecked(home, file)
  },
  60_000,
)

onLinux(
  'a sync that fails in a worker ends the download with its reason, and reports no chunk of it as safe',
  async () => {
    const home = await member('eve')
    const file = join(home.folder, 'big')
    const peer = await home.start('peer start')
    const worker = await home.start('peer worker', {
      under: onFailingDisk(`${file}.shoal-part`, { call: 'fdatasync', from: 1 }),
    })
    const failure = await failingDownload(home, ['--max-down', '6MB'])
    const pids = [peer.ready.pid, worker.ready.pid]
    await expectHonest(failure, home, file, pids)
    // Nothing that the worker wrote counts.
    await home.ok('peer stop')
    await worker.end()
    await expectRechecked(home, file)
  },
  60_000,
)

onLinux(
  'a disk that fills up in the middle ends the download with NO_SPACE, and with space it goes on',
  async () => {
    const home = await member('finn')
    const out = join(home.folder, 'small')
    const script = 'mkdir -p "$1" && mount -t tmpfs -o size=16m tmpfs "$1" && shift && exec "$@"'
    const peer = await home.start('peer start', { under: ownNamespaces([], script, out) })
    const inside = `/proc/${peer.ready.pid}/root${out}`
    const file = join(out, 'big')
    const line = [
      'peer',
      'download',
      'team:big',
      '-o',
      file,
      '--progress',
      'ndjson',
      '--json',
      '--max-down',
      '4MB',
    ]
    const child = home.spawn(line)
    const events = createInterface({ input: child.stderr! })
    const seen: Record<string, unknown>[] = []
    events.on('line', (text) => text.startsWith('{"event') && seen.push(JSON.parse(text)))
    const stdout: Buffer[] = []
    child.stdout!.on('data', (data: Buffer) => stdout.push(data))
    const exit = new Promise((resolve) => child.once('close', resolve))
    await until(() => seen.some(({ event, done }) => event === 'progress' && (done as number) > 0), 20_000)
    fill(join(inside, 'filler'))
    expect(await exit).toBe(10)
    const { error } = JSON.parse(Buffer.concat(stdout).toString())
    expect(error).toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringContaining(`${file}.shoal-part: `),
    })
    expect(seen.filter(({ event, state }) => event === 'peer' && state !== 'joined')).toEqual([])
    expect(readdirSync(inside).sort()).toEqual(['big.shoal-part', 'big.shoal-part.journal', 'filler'])
    expect(openBelow(peer.ready.pid, out)).toEqual([])
    rmSync(join(inside, 'filler'))
    const { files } = await home.ok<{ files: { bytesReused: number }[] }>(line.slice(0, 5))
    expect(files[0]?.bytesReused).toBeGreaterThan(0)
    expect(readFileSync(join(inside, 'big')).equals(CONTENT)).toBe(true)
  },
  60_000,
)
