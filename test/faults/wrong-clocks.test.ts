import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, type Running, World } from '../../testkit/shoal.ts'
import { HOOK_MS } from '../support/faults/faults.ts'
import { FollowedDownload } from '../support/followed-download.ts'

const SIZE = 12 * 1024 * 1024
const HOUR_MS = 3600_000
const CLOCK = join(import.meta.dirname, '../support/faults/shifted-clock.ts')
const HOURS: [string, number][] = [
  ['forwards', HOUR_MS],
  ['backwards', -HOUR_MS],
]
const world = new World()
let ada: Home
beforeAll(async () => {
  await world.tracker()
  ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
}, HOOK_MS)
afterAll(() => world.close(), HOOK_MS)

const clock = (shift: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=${CLOCK}`,
  SHOAL_TEST_SHIFT_MS: String(shift),
})

async function member(name: string): Promise<Home> {
  const home = await world.home(name).join(name)
  await ada.admit('team', home)
  return home
}

async function upload(home: Home, name: string, size: number): Promise<void> {
  writeFileSync(join(home.folder, name), randomBytes(size))
  await home.ok(['peer', 'upload', name, '--group', 'team'])
}

async function stop(home: Home, running: Running): Promise<void> {
  await home.ok('peer stop')
  await running.end()
}

test.each(HOURS)(
  'a seeder and a leecher whose clocks jump an hour %s finish the download and serve each other',
  async (way, shift) => {
    const [seeder, leecher] = [await member(`seeder-${way}`), await member(`leecher-${way}`)]
    const env = clock(shift)
    const name = `jump-${way}`
    const serving = await seeder.start('peer start', { env })
    await upload(seeder, name, SIZE)
    const fetching = await leecher.start('peer start', { env })
    const download = new FollowedDownload(leecher, `team:${name}`, '--max-down', '4MB')
    await download.has(0.3 * SIZE)
    for (const { ready } of [serving, fetching]) process.kill(Number(ready.pid), 'SIGUSR2')
    expect(await download.end()).toMatchObject({ code: 0 })
    expect(download.blamed).toEqual([])
    // A grant that a tracker issues after the jump is good at a seeder whose clock jumped, and the other way about.
    await ada.ok(['peer', 'download', `team:${name}`, '-o', join(ada.folder, name)])
    await upload(ada, `own-${way}`, 1000)
    await leecher.ok(['peer', 'download', `team:own-${way}`])
    await stop(seeder, serving)
    await stop(leecher, fetching)
  },
)

test.each(HOURS)(
  'a peer that starts with its clock an hour %s serves others and fetches from them',
  async (way, shift) => {
    const home = await member(`wrong-${way}`)
    const running = await home.start('peer start', { env: { ...clock(shift), SHOAL_TEST_SHIFTED: '1' } })
    await upload(home, `wrong-${way}`, 1000)
    await ada.ok(['peer', 'download', `team:wrong-${way}`, '-o', join(ada.folder, way), '--wait', '15s'])
    await upload(ada, `right-${way}`, 1000)
    await home.ok(['peer', 'download', `team:right-${way}`, '--wait', '15s'])
    await stop(home, running)
  },
)
