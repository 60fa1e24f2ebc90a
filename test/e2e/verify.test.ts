import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ada, bob, useTwoHomes } from '../support/two-homes.ts'

const CHUNK = 512 * 1024
useTwoHomes()
beforeAll(async () => {
  for (const name of ['kept', 'damaged', 'touched', 'shorter', 'removed'])
    writeFileSync(join(ada.folder, name), randomBytes(12 * CHUNK + 5))
  await ada.ok('peer upload kept damaged touched shorter removed --group team')
}, 60_000)

interface Verified {
  files: { name: string; state: string; damaged: number }[]
}

/** Runs verify, and returns the exit status and each file's state. */
async function verify(words = ''): Promise<{ exit: number | null; states: Record<string, string> }> {
  const { code, stdout } = await ada.run(`peer verify ${words}--json`)
  const { files } = JSON.parse(stdout.toString()) as Verified
  return { exit: code, states: Object.fromEntries(files.map((file) => [file.name, stateOf(file)])) }
}

const stateOf = ({ state, damaged }: Verified['files'][number]): string =>
  damaged > 0 ? `${state} ${damaged}` : state

/** Changes a byte of the chunk but keeps the modification time. */
function flip(path: string, chunk: number): void {
  execFileSync('touch', ['-r', path, `${path}.time`])
  const fd = openSync(path, 'r+')
  writeSync(fd, randomBytes(16), 0, 16, chunk * CHUNK)
  closeSync(fd)
  execFileSync('touch', ['-r', `${path}.time`, path])
}

test('verify finds unnoticed damage and stops serving it, and serves a merely touched file again', async () => {
  expect(await verify()).toEqual({
    exit: 0,
    states: { kept: 'ok', damaged: 'ok', touched: 'ok', shorter: 'ok', removed: 'ok' },
  })
  flip(join(ada.folder, 'damaged'), 3)
  flip(join(ada.folder, 'damaged'), 11)
  utimesSync(join(ada.folder, 'touched'), 1e9, 1e9)
  expect(await bob.fails('peer download team:touched --once --wait 1s')).toMatchObject({ exit: 8 })
  writeFileSync(join(ada.folder, 'shorter'), 'short')
  rmSync(join(ada.folder, 'removed'))

  const states = { kept: 'ok', damaged: 'damaged 2', touched: 'ok', shorter: 'changed', removed: 'missing' }
  expect(await verify()).toEqual({ exit: 9, states })
  interface Status {
    seeding: { name: string; fault?: string }[]
  }
  const { seeding } = await ada.ok<Status>('peer status')
  const served = seeding.filter(({ fault }) => fault === undefined).map(({ name }) => name)
  expect(served.sort()).toEqual(['kept', 'touched'])
  expect(seeding.find(({ name }) => name === 'damaged')?.fault).toContain('damaged in 2 of its chunks')
  await bob.ok('peer download team:touched --once')
  expect(await bob.fails('peer download team:damaged --once --wait 1s')).toMatchObject({ exit: 8 })
}, 60_000)

test('verify works without a running peer or tracker, and for one file or folder', async () => {
  await ada.ok('peer stop')
  const away = { env: { SHOAL_TRACKER: 'http://127.0.0.1:1' } }
  const { files } = await ada.ok<Verified>('peer verify team:kept', away)
  expect(files).toMatchObject([{ group: 'team', name: 'kept', path: join(ada.folder, 'kept'), state: 'ok' }])
  expect((await ada.run('peer verify team:damaged', away)).code).toBe(9)
  expect(await ada.fails('peer verify team:nothing', away)).toMatchObject({ exit: 5, code: 'FILE_NOT_FOUND' })
})
