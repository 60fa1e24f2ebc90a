import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { withoutPasswords } from '../../protocol/secret-variables.ts'
import { connectRedis } from '../connect.ts'
import { withFileLock } from '../file-lock.ts'
import { unixUrl } from '../url.ts'
import { findRedisServer } from './binary.ts'
import { syncEverySecond } from './log-sync.ts'
import { socketPath } from './socket-path.ts'
import { makePipe, supervise } from './supervisor.ts'

export interface EmbeddedRedis {
  /** unix:///…/redis.sock */
  url: string
  pid: number
  /** Gives up this owner's share. The last release stops the server and waits until it is gone. */
  release(): Promise<void>
}

const START_TIMEOUT_MS = 10_000
const STOP_TIMEOUT_MS = 10_000

/** The socket of the Redis server in `folder`. */
export const embeddedSocket = (folder: string): string => socketPath(folder, 'redis.sock')

/**
 * Joins the Redis server in `folder` (append-only file, unix socket, no port), or starts it if none runs.
 * Several processes may own it at once. Throws REDIS_NOT_FOUND, REDIS_UNREACHABLE or a storage error.
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
  const writeEnd = await withFileLock(lock, async () => {
    const joined = openWriteEnd(fifo)
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
      return release({ writeEnd, fifo, lock, url })
    },
  }
}

/** Opens the write end of a pipe whose read end a supervisor holds, or returns null if none does. */
function openWriteEnd(fifo: string): number | null {
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
  // Opened for reading and writing until the supervisor has opened its end, so that neither open blocks.
  const both = openSync(fifo, constants.O_RDWR)
  try {
    supervise(fifo, [server, ...serverArguments(folder, socket)], folder, env)
    if (!(await answers(socket, START_TIMEOUT_MS)))
      throw new ShoalError('REDIS_UNREACHABLE', `the embedded Redis in ${folder} did not start`, {
        hint: lastLogLine(folder) ?? `run ${server} by hand to see why`,
      })
    const writeEnd = openWriteEnd(fifo)
    if (writeEnd === null)
      throw new ShoalError('REDIS_UNREACHABLE', 'the embedded Redis exited during startup')
    return writeEnd
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

/** Whether the server at `socket` answers PONG within `timeoutMs` (0: asks once). */
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

/** Unlike `serverPid`, fails if no server answers. */
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
  writeEnd: number
  fifo: string
  lock: string
  url: string
}

async function release({ writeEnd, fifo, lock, url }: Share): Promise<void> {
  let given = false
  const giveUp = async (): Promise<void> => {
    // Ask only now: the supervisor may have restarted the server.
    const pid = await pidAtOnce(url).catch(() => null)
    closeSync(writeEnd)
    given = true
    if (pid !== null && !hasOwners(fifo)) await gone(pid)
  }
  // The lock keeps others from joining a server that is about to stop. If the folder is gone or the lock
  // stays taken, release without it.
  await withFileLock(lock, giveUp).catch((error: unknown) => {
    if (given) throw error
    return giveUp()
  })
}

/** Whether any process holds the write end: without one, a read returns end of file. */
function hasOwners(fifo: string): boolean {
  let reader: number | null = null
  try {
    reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    return readSync(reader, Buffer.alloc(1)) > 0
  } catch (error) {
    // The supervisor removes the pipe when the last owner has gone.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  } finally {
    if (reader !== null) closeSync(reader)
  }
}

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
