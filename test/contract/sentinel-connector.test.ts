import { Redis } from 'ioredis'
import { connectRedis } from '../../redis/connect.ts'
import { until } from '../../testkit/until.ts'
import { TestSentinel } from '../support/redis/sentinel.ts'

test('a Sentinel that hung while connecting is used again once it answers', async () => {
  const group = await TestSentinel.start()
  const [hung, ...others] = group.sentinels
  hung!.signal('SIGSTOP')
  const redis = connectRedis(group.url, 'commands')
  const patient = new Redis({
    host: '127.0.0.1',
    port: hung!.port,
    commandTimeout: 1500,
    retryStrategy: null,
  })
  patient.on('error', () => {})
  const listeners = async (sentinel: (typeof group.sentinels)[number]): Promise<number> => {
    const list = await sentinel.ask((raw) => raw.client('LIST'))
    return (list as string).split('\n').filter((line) => line.includes(' sub=1 ')).length
  }
  try {
    for (const sentinel of others) await until(async () => (await listeners(sentinel)) === 1)
    // Longer than any of our commands waits.
    await expect(patient.ping()).rejects.toThrow()
    hung!.signal('SIGCONT')
    await until(async () => (await listeners(hung!)) === 1)
  } finally {
    hung!.signal('SIGCONT')
    patient.disconnect()
    redis.disconnect()
    await group.stop()
  }
})
