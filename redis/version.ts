import { ShoalError } from '../protocol/errors.ts'
import type { RedisClient } from './connect.ts'
import { parseRedisUrl, redactedUrl } from './url.ts'

const MINIMUM: readonly [number, number] = [6, 2]

/**
 * Waits until the connection is usable and checks that the server is new enough. Throws REDIS_UNREACHABLE
 * after `timeoutMs`, REDIS_TOO_OLD below 6.2 (Valkey reports the Redis version it is compatible with), and
 * BAD_CONFIG if the URL names a single server and a cluster node or a Sentinel answers.
 */
export async function requireRedis(redis: RedisClient, url: string, timeoutMs = 5000): Promise<void> {
  await waitUntilReady(redis, url, timeoutMs)
  const info = await redis.info('server')
  checkMode(/redis_mode:(\w+)/.exec(info)?.[1], url)
  const version = /redis_version:(\d+)\.(\d+)\S*/.exec(info)
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)]
  if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1]))
    throw new ShoalError('REDIS_TOO_OLD', `Redis ${major}.${minor} at ${redactedUrl(url)} is too old`, {
      hint: `Shoal needs Redis ${MINIMUM.join('.')} or later, or Valkey`,
    })
}

function checkMode(mode: string | undefined, url: string): void {
  const { kind } = parseRedisUrl(url)
  if (kind === 'cluster' || (mode !== 'cluster' && mode !== 'sentinel')) return
  const what = mode === 'cluster' ? 'a node of a Redis Cluster' : 'a Sentinel'
  const hint = `write redis+cluster://HOST:PORT,… or redis+sentinel://HOST:PORT,…/NAME`
  throw new ShoalError('BAD_CONFIG', `${redactedUrl(url)} is ${what}, but the URL does not say so`, { hint })
}

function waitUntilReady(redis: RedisClient, url: string, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve, reject) => {
    let last: Error | undefined
    // A cluster's own error only counts the failed nodes.
    const onError = (error: Error & { lastNodeError?: Error }): void => {
      last = error.lastNodeError ?? error
    }
    const settle = (finish: () => void): void => {
      clearTimeout(timer)
      redis.off('error', onError).off('ready', onReady)
      finish()
    }
    const onReady = (): void => settle(resolve)
    const onTimeout = (): void =>
      settle(() => {
        const message = `Redis at ${redactedUrl(url)} does not answer${last ? `: ${last.message}` : ''}`
        const hint = 'check the URL and that Redis is running, or leave --redis out to run the embedded one'
        reject(new ShoalError('REDIS_UNREACHABLE', message, { hint, cause: last }))
      })
    const timer = setTimeout(onTimeout, timeoutMs)
    redis.on('error', onError).once('ready', onReady)
  })
}
