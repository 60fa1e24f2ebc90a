import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connectRedis } from '../../../../redis/connect.ts'
import { syncLog } from '../../../../redis/embedded/log-sync.ts'
import { acquireRedis } from '../../../../redis/embedded/server.ts'
import { until } from '../../../../testkit/until.ts'

const OWNER = join(import.meta.dirname, '../../../support/redis/owner.ts')

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

/** Starts another process that owns the server of `folder`. */
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

test('two owners share one server, which stops with the last owner', async () => {
  const first = await acquireRedis(folder)
  const second = await acquireRedis(folder)
  expect(second).toMatchObject({ url: first.url, pid: first.pid })
  await first.release()
  expect(await ask(second.url, 'PING')).toBe('PONG')
  await second.release()
  expect(isAlive(first.pid)).toBe(false)
})

test('when two owners release at once, the server is gone after both releases', async () => {
  for (let round = 0; round < 5; round++) {
    const owners = [await startOwner(), await startOwner(), await startOwner()]
    await Promise.all(owners.map(({ child }) => end(child, 'SIGTERM')))
    expect({ round, alive: isAlive(owners[0]!.pid) }).toEqual({ round, alive: false })
  }
})

test('the server survives the first of two processes and stops with the second, whatever the signal', async () => {
  const [a, b] = [await startOwner(), await startOwner()]
  expect(b.pid).toBe(a.pid)
  await end(a.child, 'SIGKILL')
  expect(await ask(b.url, 'PING')).toBe('PONG')
  expect(isAlive(a.pid)).toBe(true)
  await end(b.child, 'SIGKILL')
  await until(() => !isAlive(a.pid))
})

test('written data survives the killing of every owner', async () => {
  const first = await startOwner()
  await ask(first.url, 'SET', 'k', 'v')
  await end(first.child, 'SIGKILL')
  await until(() => !isAlive(first.pid))
  const again = await acquireRedis(folder)
  expect(await ask(again.url, 'GET', 'k')).toBe('v')
  await again.release()
})

test('a killed server restarts with its data while it has an owner, and stops with its owner', async () => {
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

test('an acknowledged write has reached the kernel, even during a sync', async () => {
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

test('five processes that start at once share one server', async () => {
  const started = await Promise.all(Array.from({ length: 5 }, startOwner))
  expect(new Set(started.map(({ pid }) => pid)).size).toBe(1)
  for (const { child } of started.slice(0, 4)) await end(child, 'SIGKILL')
  expect(await serverPid(started[4]!.url)).toBe(started[0]!.pid)
})

test('a folder with a long path gets a working socket elsewhere and keeps its data', async () => {
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

test('without a server on PATH the error is REDIS_NOT_FOUND, and a second attempt is not blocked', async () => {
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

test('a folder that cannot be created is a storage error', async () => {
  await expect(acquireRedis(join(process.execPath, 'below'))).rejects.toMatchObject({ kind: 'storage' })
})
