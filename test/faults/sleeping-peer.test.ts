import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRedis } from '../../redis/connect.ts'
import { embeddedSocket } from '../../redis/embedded/server.ts'
import { seededRandom } from '../../testkit/random.ts'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { FULL, faultTest, HOOK_MS, SEED } from '../support/faults/faults.ts'

const SIZE = 12 * 1024 * 1024
const RATE = '4MB'
const CONTENT = randomBytes(SIZE)
const world = new World()
const random = seededRandom(SEED)
let ada: Home
beforeAll(async () => {
  await world.tracker()
  ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
  writeFileSync(join(ada.folder, 'big'), CONTENT)
  await ada.ok('peer upload big --group team')
}, HOOK_MS)
afterAll(() => world.close(), HOOK_MS)

type Sleeper = 'the peer' | 'its Redis' | 'the peer and its Redis'

let homes = 0

/**
 * Downloads the file while `who` sleeps for `seconds`, from a moment on at which a random share has come in. `expire`
 * removes the queue's locks meanwhile, as 30 s would. Everything must have happened once, and nothing may stay open.
 */
async function sleepWhileDownloading(who: Sleeper, seconds: number, expire: boolean): Promise<number> {
  const name = `sleeper${homes++}`
  const home = await world.home(name).join(name)
  await ada.admit('team', home)
  const peer = await home.start('peer start')
  const pid = Number(peer.ready.pid)
  const queue = connectRedis(`unix://${embeddedSocket(join(home.folder, 'queue'))}`, 'queue')
  const redisPid = Number(/process_id:(\d+)/.exec(await queue.info('server'))?.[1])
  const pids = who === 'the peer' ? [pid] : who === 'its Redis' ? [redisPid] : [pid, redisPid]
  const signal = (what: NodeJS.Signals): void => {
    for (const id of pids) process.kill(id, what)
  }
  const share = 0.1 + 0.5 * random()
  try {
    const file = join(home.folder, 'big')
    const line = [
      'peer',
      'download',
      'team:big',
      '-o',
      file,
      '--max-down',
      RATE,
      '--progress',
      'ndjson',
      '--json',
    ]
    const command = home.spawn(line)
    const events: { event: string; done?: number; state?: string; reason?: string }[] = []
    let output = ''
    command.stdout!.on('data', (part: Buffer) => {
      output += part
    })
    createInterface({ input: command.stderr! }).on('line', (text) => {
      if (text.startsWith('{"event')) events.push(JSON.parse(text))
    })
    await until(() => events.some(({ done }) => (done ?? 0) > share * SIZE), 20_000)
    signal('SIGSTOP')
    try {
      if (expire) {
        const locks = await queue.keys('*:lock')
        if (locks.length > 0) await queue.del(...locks)
      }
      await delay(seconds * 1000)
    } finally {
      signal('SIGCONT')
    }
    // A handed out job shows within two checks for stalled ones.
    if (command.exitCode === null) await once(command, 'close')
    expect([command.exitCode, output]).toEqual([0, expect.stringContaining('"files"')])
    const [result] = JSON.parse(output).files
    expect(result.bytesFetched + result.bytesReused).toBe(SIZE)
    expect(readFileSync(file).equals(CONTENT)).toBe(true)
    expect(events.filter(({ event }) => event === 'start')).toHaveLength(1)
    expect(events.filter(({ event }) => event === 'done')).toHaveLength(1)
    expect(events.filter(({ state }) => state === 'banned' || state === 'left')).toEqual([])
    expect(openFiles(pid, file)).toEqual([])
    // The finished file is served: nothing has touched it since.
    const status = await home.ok<{ seeding: { fault?: string }[] }>('peer status')
    expect(status.seeding).toMatchObject([{ name: 'big' }])
    expect(status.seeding[0]).not.toHaveProperty('fault')
  } finally {
    queue.disconnect()
  }
  const begun = performance.now()
  await home.ok('peer stop')
  await peer.end()
  const stopping = (performance.now() - begun) / 1000
  expect(stopping).toBeLessThan(10)
  return stopping
}

/** What the process has open of the file, under its own and its working name. */
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

const HOUR_MS = 3600_000
const CLOCK = join(import.meta.dirname, '../support/faults/shifted-clock.ts')

test.each([
  ['forwards', HOUR_MS],
  ['backwards', -HOUR_MS],
])(
  'a seeder and a leecher whose clocks jump an hour %s finish the download and serve each other',
  async (way, shift) => {
    const env = { NODE_OPTIONS: `--import=${CLOCK}`, SHOAL_TEST_SHIFT_MS: String(shift) }
    const [seeder, leecher] = [
      await world.home(`seeder-${way}`).join(`seeder-${way}`),
      await world.home(`leecher-${way}`).join(`leecher-${way}`),
    ]
    for (const home of [seeder, leecher]) await ada.admit('team', home)
    const name = `jump-${way}`
    writeFileSync(join(seeder.folder, name), randomBytes(SIZE))
    const serving = await seeder.start('peer start', { env })
    await seeder.ok(['peer', 'upload', name, '--group', 'team'])
    const fetching = await leecher.start('peer start', { env })
    const line = ['peer', 'download', `team:${name}`, '--max-down', RATE, '--progress', 'ndjson']
    const command = leecher.spawn(line)
    const events: { event: string; done?: number; state?: string }[] = []
    createInterface({ input: command.stderr! }).on('line', (text) => {
      if (text.startsWith('{"event')) events.push(JSON.parse(text))
    })
    await until(() => events.some(({ done }) => (done ?? 0) > 0.3 * SIZE), 20_000)
    for (const { ready } of [serving, fetching]) process.kill(Number(ready.pid), 'SIGUSR2')
    if (command.exitCode === null) await once(command, 'close')
    expect(command.exitCode).toBe(0)
    expect(events.filter(({ state }) => state === 'left' || state === 'banned')).toEqual([])
    // A grant that a tracker issues after the jump is good at a seeder whose clock jumped, and the other way about.
    await ada.ok(['peer', 'download', `team:${name}`, '-o', join(ada.folder, name)])
    const own = `own-${way}`
    writeFileSync(join(ada.folder, own), randomBytes(1000))
    await ada.ok(['peer', 'upload', own, '--group', 'team'])
    await leecher.ok(['peer', 'download', `team:${own}`])
    await seeder.ok('peer stop')
    await leecher.ok('peer stop')
    await serving.end()
    await fetching.end()
  },
)

if (FULL)
  faultTest(
    'a peer that sleeps in a download runs it once: asleep for 10, 34 and 70 s',
    async () => {
      const stopping: number[] = []
      const sleepers: Sleeper[] = ['the peer', 'its Redis', 'the peer and its Redis']
      for (const who of sleepers)
        for (const seconds of [10, 34, 70]) stopping.push(await sleepWhileDownloading(who, seconds, false))
      stopping.push(await sleepWhileDownloading('the peer', 34, false))
      return { runs: stopping.length, 'longest stop, s': Math.max(...stopping).toFixed(1) }
    },
    20,
  )
else
  faultTest('a peer whose lock expires while it sleeps runs its download once', async () => ({
    'stop, s': (await sleepWhileDownloading('the peer', 1, true)).toFixed(1),
  }))
