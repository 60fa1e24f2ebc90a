import type { Redis } from 'ioredis'
import { ShoalError } from '../protocol/errors.ts'
import { redactedUrl } from './connect.ts'

const MINIMUM: readonly [number, number] = [6, 2]

/**
 * Waits until the connection is usable and the server new enough. Throws REDIS_UNREACHABLE after
 * `timeoutMs`, and REDIS_TOO_OLD below 6.2 (Valkey reports the Redis version that it is compatible with).
 */
export async function requireRedis(redis: Redis, url: string, timeoutMs = 5000): Promise<void> {
  await waitUntilReady(redis, url, timeoutMs)
  const version = /redis_version:(\d+)\.(\d+)\S*/.exec(await redis.info('server'))
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)]
  if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1]))
    throw new ShoalError('REDIS_TOO_OLD', `Redis ${major}.${minor} at ${redactedUrl(url)} is too old`, {
      hint: `Shoal needs Redis ${MINIMUM.join('.')} or later, or Valkey`,
    })
}

function waitUntilReady(redis: Redis, url: string, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve, reject) => {
    let last: Error | undefined
    const onError = (error: Error): void => {
      last = error
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
