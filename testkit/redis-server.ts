import { join } from 'node:path'
import { unixUrl } from '../redis/url.ts'
import { RedisProcess, redisFolder } from './redis-process.ts'

/** A private Redis on a unix socket in a temporary folder, with an append-only file. */
export class TestRedis extends RedisProcess {
  static async start(): Promise<TestRedis> {
    const folder = await redisFolder()
    const unixsocket = join(folder, 'redis.sock')
    const redis = new TestRedis(folder, unixUrl(unixsocket), { port: '0', unixsocket, appendonly: 'yes' })
    await redis.start()
    return redis
  }
}
