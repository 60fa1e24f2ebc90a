import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { connectPeer } from '../peer/control/client.ts'
import { QUEUE_FOLDER } from '../peer/download/queue/download-queue.ts'
import { embeddedSocket } from '../redis/embedded/server.ts'

const LOG_LINES = 30
const PATIENCE_MS = 3000

/** Reports what the peers of these homes were doing when a command hung. */
export async function hangReport(homes: readonly string[]): Promise<string> {
  const parts = await Promise.all(homes.map(async (home) => [home, ...(await reportOf(home))].join('\n  ')))
  return parts.join('\n')
}

async function reportOf(home: string): Promise<string[]> {
  const log = join(home, 'peer.log')
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-LOG_LINES) : []
  return [`status: ${await inTime(statusOf(home))}`, `queue: ${await inTime(queueOf(home))}`, ...lines]
}

async function statusOf(home: string): Promise<string> {
  const peer = await connectPeer(home)
  if (!peer) return 'no peer runs'
  const { pid, downloads } = await peer.status()
  return JSON.stringify({ downloads, threads: pid === null ? [] : threadsOf(pid) })
}

/** Each thread's name, state and kernel wait channel. */
function threadsOf(pid: number): string[] {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).map((task) => {
    const read = (file: string): string => readFileSync(join(tasks, task, file), 'utf8').trim()
    return `${read('comm')} ${/State:\s+(\S)/.exec(read('status'))?.[1]} ${read('wchan')}`
  })
}

/** The embedded queue's keys and their contents. */
async function queueOf(home: string): Promise<string> {
  const path = embeddedSocket(join(home, QUEUE_FOLDER))
  if (!existsSync(path)) return 'none'
  const redis = new Redis({ path, lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    const keys = (await redis.keys('*')).sort()
    const sizes = keys.map(async (key) => {
      const type = await redis.type(key)
      if (type === 'list') return `${key} ${await redis.lrange(key, 0, -1)}`
      if (type === 'zset') return `${key} ${await redis.zrange(key, 0, '-1', 'WITHSCORES')}`
      return `${key} (${type})`
    })
    return [...(await Promise.all(sizes)), String(await redis.client('LIST'))].join('\n    ')
  } finally {
    redis.disconnect()
  }
}

function inTime(work: Promise<string>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(() => resolve(`no answer in ${PATIENCE_MS} ms`), PATIENCE_MS)
  work.then(resolve, (error: Error) => resolve(String(error)))
  return promise.finally(() => clearTimeout(timer))
}
