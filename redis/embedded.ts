import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ShoalError, storageError } from '../protocol/errors.ts'
import { withoutPasswords } from '../protocol/secret-variables.ts'
import { findRedisServer } from './binary.ts'
import { connectRedis } from './connect.ts'
import { withFileLock } from './file-lock.ts'
import { syncEverySecond } from './log-sync.ts'
import { socketPath } from './socket-path.ts'
import { makePipe, supervise } from './supervisor.ts'
import { unixUrl } from './url.ts'

export interface EmbeddedRedis {
  /** unix:///…/redis.sock */
  url: string
  pid: number
  /** Gives up this owner's share; the last one's release stops the server and waits until it is gone. */
  release(): Promise<void>
}

const START_TIMEOUT_MS = 10_000
const STOP_TIMEOUT_MS = 10_000

/** Where the Redis server that lives in `folder` listens. */
export const embeddedSocket = (folder: string): string => socketPath(folder, 'redis.sock')

/**
 * Joins the Redis server that lives in `folder` (append-only file, unix socket, no port), starting it where
 * none runs. Several processes may own it at once. Throws REDIS_NOT_FOUND, REDIS_UNREACHABLE or a storage error.
 */
export async function acquireRedis(folder: string): Promise<EmbeddedRedis> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storageError(error, folder)
  }
  const socket = embeddedSocket(folder)
  const fifo = join(folder, 'lifeline')
  const lock = join(folder, 'redis.lock')
  const lifeline = await withFileLock(lock, async () => {
    const joined = openLifeline(fifo)
    if (joined !== null && (await answers(socket, START_TIMEOUT_MS))) return joined
    if (joined !== null) closeSync(joined)
    return startServer(folder, socket, fifo)
  })
  const url = unixUrl(socket)
  const pid = await serverPid(url)
  const stopSync = syncEverySecond(folder)
  return {
    url,
    pid,
    release: () => {
      stopSync()
      return release({ lifeline, fifo, lock, url })
    },
  }
}

/** The write end of a lifeline that a supervisor holds open; null where there is none. */
function openLifeline(fifo: string): number | null {
  try {
    return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENXIO' || code === 'ENOENT') return null
    throw storageError(error, fifo)
  }
}

async function startServer(folder: string, socket: string, fifo: string): Promise<number> {
  const server = findRedisServer()
  if (await answers(socket, 0)) await shutDown(unixUrl(socket))
  rmSync(fifo, { force: true })
  rmSync(socket, { force: true })
  const env = withoutPasswords(process.env)
  makePipe(fifo, env)
  // Held for reading and writing until the supervisor has opened its end, so that neither open blocks.
  const both = openSync(fifo, constants.O_RDWR)
  try {
    supervise(fifo, [server, ...serverArguments(folder, socket)], folder, env)
    if (!(await answers(socket, START_TIMEOUT_MS)))
      throw new ShoalError('REDIS_UNREACHABLE', `the embedded Redis in ${folder} does not start`, {
        hint: lastLogLine(folder) ?? `run ${server} by hand to see why`,
      })
    const lifeline = openLifeline(fifo)
    if (lifeline === null) throw new ShoalError('REDIS_UNREACHABLE', 'the embedded Redis ended as it started')
    return lifeline
  } finally {
    closeSync(both)
  }
}

function serverArguments(folder: string, socket: string): string[] {
  return Object.entries({
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: folder,
    appendonly: 'yes',
    // Its owners sync it (log-sync.ts).
    appendfsync: 'no',
    save: '',
    'maxmemory-policy': 'noeviction',
    logfile: join(folder, 'redis.log'),
    loglevel: 'notice',
  }).flatMap(([name, value]) => [`--${name}`, value])
}

/** Whether the server at `socket` says PONG before `timeoutMs` have passed (0: asks once). */
async function answers(socket: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  do {
    if (await ping(socket)) return true
    await delay(5)
  } while (performance.now() < deadline)
  return false
}

function ping(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket)
    connection.setTimeout(1000, () => connection.destroy())
    connection.once('connect', () => connection.write('PING\r\n'))
    connection.once('data', (data) => {
      resolve(data.toString().startsWith('+PONG'))
      connection.destroy()
    })
    connection.once('error', () => resolve(false))
    connection.once('close', () => resolve(false))
  })
}

async function serverPid(url: string): Promise<number> {
  const redis = connectRedis(url, 'queue')
  try {
    return pidOf(await redis.info('server'))
  } finally {
    redis.disconnect()
  }
}

/** Unlike `serverPid` it fails where no server answers. */
async function pidAtOnce(url: string): Promise<number> {
  const redis = connectRedis(url, 'commands')
  try {
    await new Promise<void>((resolve, reject) => redis.once('ready', resolve).once('close', reject))
    return pidOf(await redis.info('server'))
  } finally {
    redis.disconnect()
  }
}

const pidOf = (info: string): number => Number(/process_id:(\d+)/.exec(info)?.[1])

async function shutDown(url: string): Promise<void> {
  const redis = connectRedis(url, 'queue')
  const pid = pidOf(await redis.info('server'))
  redis.shutdown('NOSAVE').catch(() => {})
  await gone(pid)
  redis.disconnect()
}

interface Share {
  /** The write end that this owner holds. */
  lifeline: number
  fifo: string
  lock: string
  url: string
}

async function release({ lifeline, fifo, lock, url }: Share): Promise<void> {
  let given = false
  const giveUp = async (): Promise<void> => {
    // Asked only now: the supervisor may have put another server in the place of the first.
    const pid = await pidAtOnce(url).catch(() => null)
    closeSync(lifeline)
    given = true
    if (pid !== null && !hasOwners(fifo)) await gone(pid)
  }
  // Locked, so that nobody joins a server that is about to end. Where the folder is gone, or another holds
  // the lock for long, the share is given up all the same.
  await withFileLock(lock, giveUp).catch((error: unknown) => {
    if (given) throw error
    return giveUp()
  })
}

/** Whether some process holds the write end of a lifeline: without one, a read meets the end of file. */
function hasOwners(fifo: string): boolean {
  let reader: number | null = null
  try {
    reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    return readSync(reader, Buffer.alloc(1)) > 0
  } catch (error) {
    // The supervisor removes it when the last owner has gone.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  } finally {
    if (reader !== null) closeSync(reader)
  }
}

/** Waits until process `pid` has ended. */
async function gone(pid: number): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS
  while (performance.now() < deadline) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await delay(5)
  }
}

function lastLogLine(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, 'redis.log'), 'utf8').trimEnd().split('\n').at(-1)
  } catch {
    return undefined
  }
}
