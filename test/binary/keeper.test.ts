import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../testkit/until.ts'

/**
 * Tests redis/embedded/keeper.c as the last build of the binary compiled it. A shell stands in for the server and
 * writes its process id.
 */
const KEEPER = join(import.meta.dirname, '../../dist/build/keeper')

let folder: string
let pipe: string
const kept: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-keeper-'))
  pipe = join(folder, 'lifeline')
  execFileSync(KEEPER, ['--make', pipe])
})

afterEach(async () => {
  for (const keeper of kept.splice(0)) {
    if (keeper.exitCode === null && keeper.signalCode === null) {
      keeper.kill('SIGTERM')
      await once(keeper, 'exit')
    }
  }
  rmSync(folder, { recursive: true, force: true })
})

const SERVER = `
trap 'echo > ended; exit' TERM
echo $$ > pid.new; mv pid.new pid
while :; do sleep 0.05; done`

/** Starts a keeper whose server writes its process id to "pid" and, on SIGTERM, creates "ended". */
function keep(server = SERVER): ChildProcess {
  const keeper = spawn(KEEPER, [pipe, '/bin/sh', '-c', server], { cwd: folder, stdio: 'ignore' })
  kept.push(keeper)
  return keeper
}

const own = (flags = constants.O_RDWR): number => openSync(pipe, flags)
const path = (name: string): string => join(folder, name)
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function serverPid(other = 0): Promise<number> {
  const read = (): number => (existsSync(path('pid')) ? Number(readFileSync(path('pid'), 'utf8')) : 0)
  await until(() => read() > 0 && read() !== other)
  return read()
}

test('--make makes a pipe that only its user can open, and refuses an existing path', () => {
  expect(statSync(pipe).isFIFO()).toBe(true)
  expect(statSync(pipe).mode & 0o777).toBe(0o600)
  expect(() => execFileSync(KEEPER, ['--make', pipe], { stdio: 'pipe' })).toThrow('File exists')
})

test('when the last of two owners lets go, the keeper stops the server and removes the pipe', async () => {
  const first = own()
  const keeper = keep()
  const pid = await serverPid()
  const second = own(constants.O_WRONLY)
  closeSync(first)
  writeFileSync(second, 'the keeper ignores what owners write')
  expect([isAlive(pid), keeper.exitCode]).toEqual([true, null])
  closeSync(second)
  expect(await once(keeper, 'exit')).toEqual([0, null])
  expect([existsSync(path('ended')), existsSync(pipe), isAlive(pid)]).toEqual([true, false, false])
})

test('the keeper restarts a killed server', async () => {
  const owner = own()
  keep()
  const pid = await serverPid()
  process.kill(pid, 'SIGKILL')
  const next = await serverPid(pid)
  expect(isAlive(next)).toBe(true)
  closeSync(owner)
  await until(() => !isAlive(next))
})

test('the keeper retries a server that exits at once, without a busy loop', async () => {
  const owner = own()
  const keeper = keep('echo >> tries')
  const tries = (): number => (existsSync(path('tries')) ? statSync(path('tries')).size : 0)
  const start = performance.now()
  await until(() => tries() >= 3)
  expect(performance.now() - start).toBeGreaterThanOrEqual(190)
  closeSync(owner)
  expect(await once(keeper, 'exit')).toEqual([0, null])
})

test('without an owner the keeper exits and starts nothing', async () => {
  const keeper = keep()
  expect(await once(keeper, 'exit')).toEqual([0, null])
  expect(existsSync(path('pid'))).toBe(false)
})

test('the keeper ignores SIGINT and SIGHUP; SIGTERM stops it and the server', async () => {
  const owner = own()
  const keeper = keep()
  const pid = await serverPid()
  for (const signal of ['SIGINT', 'SIGHUP'] as const) keeper.kill(signal)
  keeper.kill('SIGTERM')
  expect(await once(keeper, 'exit')).toEqual([0, null])
  expect([isAlive(pid), existsSync(path('ended'))]).toEqual([false, true])
  closeSync(owner)
})
