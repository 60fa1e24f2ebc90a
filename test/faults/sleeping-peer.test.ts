import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRedis, type RedisClient } from '../../redis/connect.ts'
import { embeddedSocket } from '../../redis/embedded/server.ts'
import { seededRandom } from '../../testkit/random.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { FULL, faultTest, HOOK_MS, SEED, timed } from '../support/faults/faults.ts'
import { FollowedDownload } from '../support/followed-download.ts'

const SIZE = 12 * 1024 * 1024
/** About three seconds for the file. */
const SLOWLY = ['--max-down', '4MB']
const CONTENT = randomBytes(SIZE)
const OTHER = randomBytes(SIZE)
const world = new World()
const random = seededRandom(SEED)
let ada: Home
beforeAll(async () => {
  await world.tracker()
  ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
  writeFileSync(join(ada.folder, 'big'), CONTENT)
  writeFileSync(join(ada.folder, 'other'), OTHER)
  await ada.ok('peer upload big other --group team')
}, HOOK_MS)
afterAll(() => world.close(), HOOK_MS)

type Sleeper = 'the peer' | 'its Redis' | 'the peer and its Redis'
const SLEEPERS: Sleeper[] = ['the peer', 'its Redis', 'the peer and its Redis']

let homes = 0
async function member(): Promise<Home> {
  const name = `sleeper${homes++}`
  const home = await world.home(name).join(name)
  await ada.admit('team', home)
  return home
}

/** Runs `work` with a connection to the home's queue. */
async function withQueue<T>(home: Home, work: (queue: RedisClient) => Promise<T>): Promise<T> {
  const queue = connectRedis(`unix://${embeddedSocket(join(home.folder, 'queue'))}`, 'queue')
  try {
    return await work(queue)
  } finally {
    queue.disconnect()
  }
}

const redisPid = (home: Home): Promise<number> =>
  withQueue(home, async (queue) => Number(/process_id:(\d+)/.exec(await queue.info('server'))?.[1]))

/** Removes the locks of the home's jobs, as 30 s of sleep would. */
const expireLocks = (home: Home): Promise<void> =>
  withQueue(home, async (queue) => {
    const locks = await queue.keys('*:lock')
    if (locks.length > 0) await queue.del(...locks)
  })

function signal(pids: readonly number[], what: NodeJS.Signals): void {
  for (const pid of pids) process.kill(pid, what)
}

/**
 * Downloads the file while `who` sleeps for `seconds`, from a random moment on; with `expire` the locks are gone then.
 * Everything must have happened once, and nothing may stay open. Returns the seconds that `peer stop` took.
 */
async function sleepWhileDownloading(who: Sleeper, seconds: number, expire: boolean): Promise<number> {
  const home = await member()
  const peer = await home.start('peer start')
  const pid = Number(peer.ready.pid)
  const redis = await redisPid(home)
  const pids = who === 'the peer' ? [pid] : who === 'its Redis' ? [redis] : [pid, redis]
  const file = join(home.folder, 'big')
  const download = new FollowedDownload(home, 'team:big', '-o', file, ...SLOWLY)
  await download.has((0.1 + 0.5 * random()) * SIZE)
  if (expire) await expireLocks(home)
  signal(pids, 'SIGSTOP')
  try {
    await delay(seconds * 1000)
  } finally {
    signal(pids, 'SIGCONT')
  }
  const { code, files } = await download.end()
  expect(code).toBe(0)
  expect(files![0]!.bytesFetched + files![0]!.bytesReused).toBe(SIZE)
  expect(readFileSync(file).equals(CONTENT)).toBe(true)
  expect([download.count('start'), download.count('done')]).toEqual([1, 1])
  expect(download.blamed).toEqual([])
  expect(openFiles(pid, file)).toEqual([])
  // The finished file is served: nothing has touched it since.
  const status = await home.ok<{ seeding: { fault?: string }[] }>('peer status')
  expect(status.seeding).toMatchObject([{ name: 'big' }])
  expect(status.seeding[0]).not.toHaveProperty('fault')
  const stopping = (await timed(() => home.ok('peer stop'))) / 1000
  await peer.end()
  expect(stopping).toBeLessThan(10)
  return stopping
}

/** The open files of the process whose path begins with `file`: the file itself and its working files. */
function openFiles(pid: number, file: string): string[] {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return []
    }
  })
  return links.filter((link) => link.startsWith(file))
}

if (FULL)
  faultTest(
    'a peer that sleeps in a download runs it once: asleep for 10, 34 and 70 s',
    async () => {
      const stopping: number[] = []
      for (const who of SLEEPERS)
        for (const seconds of [10, 34, 70]) stopping.push(await sleepWhileDownloading(who, seconds, false))
      stopping.push(await sleepWhileDownloading('the peer', 34, false))
      return { runs: stopping.length, 'longest stop, s': Math.max(...stopping).toFixed(1) }
    },
    20,
  )
else
  faultTest('a peer runs its download once if its lock expires while it or its Redis sleeps', async () => {
    const stopping: number[] = []
    for (const who of SLEEPERS) stopping.push(await sleepWhileDownloading(who, 1, true))
    return { 'longest stop, s': Math.max(...stopping).toFixed(1) }
  })

test('a peer that sleeps while another one downloads to its path leaves that file alone', async () => {
  const [slow, quick] = [await member(), await member()]
  const folder = world.path('shared')
  mkdirSync(folder)
  const file = join(folder, 'file')
  const sleeping = await slow.start('peer start')
  const awake = await quick.start('peer start')
  const pid = Number(sleeping.ready.pid)
  const download = new FollowedDownload(slow, 'team:big', '-o', file, ...SLOWLY)
  await download.has(0.2 * SIZE)
  signal([pid], 'SIGSTOP')
  try {
    await quick.ok(['peer', 'download', 'team:other', '-o', file])
  } finally {
    signal([pid], 'SIGCONT')
  }
  const outcome = await download.end()
  expect(outcome).toMatchObject({ code: 10, error: { message: expect.stringContaining(file) } })
  expect(openFiles(pid, file)).toEqual([])
  expect(readFileSync(file).equals(OTHER)).toBe(true)
  expect(readdirSync(folder)).toEqual(['file'])
  expect(JSON.stringify(await quick.ok('peer status'))).not.toContain('"fault"')
  await Promise.all([sleeping.end(), awake.end()])
}, 60_000)

test('a download of an earlier process does not run again after its end', async () => {
  const home = await member()
  const file = join(home.folder, 'big')
  const first = await home.start('peer start')
  const download = new FollowedDownload(home, 'team:big', '-o', file, ...SLOWLY)
  await download.has(0.1 * SIZE)
  await first.end()
  await download.end()
  const second = await home.start('peer start')
  // Until its end the job has no lock, as after a sleep, so the queue hands it out once more.
  await until(async () => {
    await expireLocks(home)
    return existsSync(file)
  }, 20_000)
  rmSync(file)
  await until(
    () => withQueue(home, async (queue) => (await queue.keys('*:downloads:active')).length === 0),
    20_000,
  )
  expect(existsSync(file)).toBe(false)
  expect(existsSync(`${file}.shoal-part`)).toBe(false)
  await second.end()
}, 60_000)

if (FULL)
  test('a peer whose Redis sleeps stops within its limit', async () => {
    const home = await member()
    const peer = await home.start('peer start')
    const redis = await redisPid(home)
    const download = new FollowedDownload(home, 'team:big', ...SLOWLY)
    await download.has(0.2 * SIZE)
    signal([redis], 'SIGSTOP')
    try {
      expect(await timed(() => home.ok('peer stop'))).toBeLessThan(25_000)
    } finally {
      signal([redis], 'SIGCONT')
    }
    await download.end()
    await peer.end()
  }, 60_000)
