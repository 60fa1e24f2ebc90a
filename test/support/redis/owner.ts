/** A process that owns the embedded Redis of the given folder until it is terminated. */
import { acquireRedis } from '../../../redis/embedded/server.ts'

const redis = await acquireRedis(process.argv[2]!)
process.on('SIGTERM', () => void redis.release().then(() => process.exit(0)))
process.stdout.write(`${JSON.stringify({ url: redis.url, pid: redis.pid })}\n`)
setInterval(() => {}, 60_000)
