import { Redis, type RedisOptions } from 'ioredis'
import { ShoalError } from '../protocol/errors.ts'

/**
 * What a connection is for decides how it fails. `commands`: at once, a caller waits; an unanswered command
 * is never sent twice behind its back. `subscriber`: reconnects and subscribes again by itself. `queue`:
 * BullMQ's, which waits for Redis as long as it takes.
 */
export type ConnectionKind = 'commands' | 'subscriber' | 'queue'

const reconnectDelay = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 5), 1000)

const KINDS: Record<ConnectionKind, RedisOptions> = {
  commands: {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 800,
    enableReadyCheck: true,
  },
  subscriber: { autoResubscribe: true, maxRetriesPerRequest: null },
  queue: { maxRetriesPerRequest: null },
}

/** `redis://`, `rediss://` (TLS) or `unix:///path`. Throws BAD_CONFIG for anything else. */
export function redisOptions(url: string): RedisOptions {
  const parsed = URL.canParse(url) && isDecodable(url) ? new URL(url) : null
  if (parsed?.protocol === 'unix:') return { path: decodeURIComponent(parsed.pathname) }
  if (parsed?.protocol !== 'redis:' && parsed?.protocol !== 'rediss:')
    throw new ShoalError('BAD_CONFIG', `${JSON.stringify(redactedUrl(url))} is not a Redis URL`, {
      hint: 'write redis://host:6379, rediss://user:password@host:6379/0 or unix:///path/redis.sock',
    })
  const db = parsed.pathname.length > 1 ? Number(parsed.pathname.slice(1)) : 0
  if (!Number.isInteger(db) || db < 0)
    throw new ShoalError('BAD_CONFIG', `the Redis URL names no database number: ${parsed.pathname}`)
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: parsed.port === '' ? 6379 : Number(parsed.port),
    db,
    ...(parsed.username ? { username: decodeURIComponent(parsed.username) } : {}),
    ...(parsed.password ? { password: decodeURIComponent(parsed.password) } : {}),
    ...(parsed.protocol === 'rediss:' ? { tls: {} } : {}),
  }
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

export const unixUrl = (path: string): string => `unix://${path.split('/').map(encodeURIComponent).join('/')}`

/** Without its password: what may be printed and logged. */
export function redactedUrl(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/.*@/s, '//***@')
  const parsed = new URL(url)
  if (parsed.password) parsed.password = '***'
  return parsed.href
}

/** Opens a connection, which starts connecting at once; the caller must handle its `error` events' absence itself: they are quiet here. */
export function connectRedis(url: string, kind: ConnectionKind): Redis {
  const redis = new Redis({
    ...redisOptions(url),
    ...KINDS[kind],
    connectionName: connectionName(),
    retryStrategy: reconnectDelay,
    connectTimeout: 2000,
  })
  // Without a listener an error event would end the process; every command reports its own failure.
  redis.on('error', () => {})
  return redis
}

export const CONNECTION_PREFIX = 'shoal-'
/** Names the owning process in CLIENT LIST, so that the last one to leave an embedded Redis knows that it is. */
export const connectionName = (pid: number = process.pid): string => `${CONNECTION_PREFIX}${pid}`
