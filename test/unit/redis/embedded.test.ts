import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connectRedis } from '../../../redis/connect.ts'
import { acquireRedis } from '../../../redis/embedded.ts'
import { syncLog } from '../../../redis/log-sync.ts'
import { until } from '../../support/until.ts'

const OWNER = join(import.meta.dirname, '../../support/redis-owner.ts')

let folder: string
const owners: ChildProcess[] = []
const servers = new Set<number>()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-embedded-'))
})

afterEach(async () => {
  for (const owner of owners.splice(0)) await end(owner, 'SIGKILL')
  for (const pid of servers) await until(() => !isAlive(pid))
  servers.clear()
  rmSync(folder, { recursive: true, force: true })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** Another process that owns the server of `folder`. */
async function startOwner(): Promise<{ child: ChildProcess; url: string; pid: number }> {
  const child = spawn(process.execPath, [OWNER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  owners.push(child)
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! })
      .once('line', resolve)
      .once('close', () => reject(new Error('no owner')))
  })
  const owned = JSON.parse(line) as { url: string; pid: number }
  servers.add(owned.pid)
  return { child, ...owned }
}

async function ask(url: string, ...command: [string, ...string[]]): Promise<unknown> {
  const redis = connectRedis(url, 'queue')
  try {
    return await redis.call(...command)
  } finally {
    redis.disconnect()
  }
}

const serverPid = async (url: string): Promise<number> => {
  const pid = Number(/process_id:(\d+)/.exec(String(await ask(url, 'INFO', 'server')))?.[1])
  servers.add(pid)
  return pid
}

test('two owners share one server, which ends with the last of them', async () => {
  const first = await acquireRedis(folder)
  const second = await acquireRedis(folder)
  expect(second).toMatchObject({ url: first.url, pid: first.pid })
  await first.release()
  expect(await ask(second.url, 'PING')).toBe('PONG')
  await second.release()
  expect(isAlive(first.pid)).toBe(false)
})

test('of owners that release at once, one waits for the server that ends with both', async () => {
  for (let round = 0; round < 5; round++) {
    const owners = [await startOwner(), await startOwner(), await startOwner()]
    await Promise.all(owners.map(({ child }) => end(child, 'SIGTERM')))
    expect({ round, alive: isAlive(owners[0]!.pid) }).toEqual({ round, alive: false })
  }
})

test('the server outlives one process of two and ends with the other, by whatever signal', async () => {
  const [a, b] = [await startOwner(), await startOwner()]
  expect(b.pid).toBe(a.pid)
  await end(a.child, 'SIGKILL')
  expect(await ask(b.url, 'PING')).toBe('PONG')
  expect(isAlive(a.pid)).toBe(true)
  await end(b.child, 'SIGKILL')
  await until(() => !isAlive(a.pid))
})

test('what was written is there after every owner was killed', async () => {
  const first = await startOwner()
  await ask(first.url, 'SET', 'k', 'v')
  await end(first.child, 'SIGKILL')
  await until(() => !isAlive(first.pid))
  const again = await acquireRedis(folder)
  expect(await ask(again.url, 'GET', 'k')).toBe('v')
  await again.release()
})

test('a server that is killed while it is owned comes back with its data, and ends with its owner', async () => {
  const owner = await acquireRedis(folder)
  await ask(owner.url, 'SET', 'k', 'v')
  process.kill(owner.pid, 'SIGKILL')
  await until(() => !isAlive(owner.pid))
  expect(await ask(owner.url, 'GET', 'k')).toBe('v')
  const pid = await serverPid(owner.url)
  expect(pid).not.toBe(owner.pid)
  await owner.release()
  expect(isAlive(pid)).toBe(false)
})

test('an acknowledged write is with the kernel, also while the file is synced', async () => {
  const owner = await acquireRedis(folder)
  const redis = connectRedis(owner.url, 'queue')
  try {
    await redis.set('k', 0)
    const parts = join(folder, 'appendonlydir')
    const log = join(parts, readdirSync(parts).find((name) => name.endsWith('.incr.aof'))!)
    const end = performance.now() + 2200
    for (let i = 0; performance.now() < end; i++) {
      await redis.set('k', `v${i}`)
      expect(readFileSync(log, 'latin1').slice(-20)).toContain(`v${i}\r\n`)
      truncateSync(log, 0)
    }
    await syncLog(folder)
  } finally {
    redis.disconnect()
    await owner.release()
  }
})

test('five processes that start at once get one server', async () => {
  const started = await Promise.all(Array.from({ length: 5 }, startOwner))
  expect(new Set(started.map(({ pid }) => pid)).size).toBe(1)
  for (const { child } of started.slice(0, 4)) await end(child, 'SIGKILL')
  expect(await serverPid(started[4]!.url)).toBe(started[0]!.pid)
})

test('the socket of a folder with a long path works, and its data lies in the folder', async () => {
  const long = join(folder, 'd'.repeat(120))
  mkdirSync(long)
  const [first, second] = [await acquireRedis(long), await acquireRedis(long)]
  expect(second.pid).toBe(first.pid)
  expect(await ask(first.url, 'PING')).toBe('PONG')
  expect(existsSync(join(long, 'appendonlydir'))).toBe(true)
  await Promise.all([first.release(), second.release()])
  expect(isAlive(first.pid)).toBe(false)
})

test('a folder with spaces, quotes and a percent sign works', async () => {
  const odd = join(folder, `it's 100% "odd" $HOME`)
  const redis = await acquireRedis(odd)
  expect(await ask(redis.url, 'PING')).toBe('PONG')
  await redis.release()
})

test('without a server on PATH the error is REDIS_NOT_FOUND, and the next try is not blocked', async () => {
  const { PATH, SHOAL_REDIS_BIN } = process.env
  try {
    process.env.PATH = ''
    delete process.env.SHOAL_REDIS_BIN
    await expect(acquireRedis(folder)).rejects.toMatchObject({ code: 'REDIS_NOT_FOUND' })
  } finally {
    process.env.PATH = PATH
    if (SHOAL_REDIS_BIN) process.env.SHOAL_REDIS_BIN = SHOAL_REDIS_BIN
  }
  await (await acquireRedis(folder)).release()
})

test('a folder that cannot be made is a storage error', async () => {
  await expect(acquireRedis(join(process.execPath, 'below'))).rejects.toMatchObject({ kind: 'storage' })
})
