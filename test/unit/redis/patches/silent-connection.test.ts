import { once } from 'node:events'
import { connectRedis, type RedisClient } from '../../../../redis/connect.ts'
import { TestRedis } from '../../../../testkit/redis-server.ts'

let server: TestRedis
let redis: RedisClient
beforeAll(async () => {
  server = await TestRedis.start()
})
beforeEach(async () => {
  redis = connectRedis(server.url, 'commands')
  await once(redis, 'ready')
})
afterEach(() => redis.disconnect())
afterAll(() => server.stop())

/** Blocks the event loop. */
const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

test('a pause of the whole process fails no command in flight', async () => {
  const asked = redis.set('key', 'value')
  // The command is written in this turn of the event loop and answered during the pause.
  await new Promise((resolve) => process.nextTick(resolve))
  pause(1500)
  expect(await asked).toBe('OK')
  const unsent = redis.get('key')
  pause(1500)
  expect(await unsent).toBe('value')
  expect(redis.status).toBe('ready')
})

test('a silent server fails the first command in time, and all others with it', async () => {
  server.freeze()
  const begun = performance.now()
  const outcomes = await Promise.allSettled([redis.get('key'), redis.get('key')])
  const [ms, { status }] = [performance.now() - begun, redis]
  const back = once(redis, 'ready')
  server.thaw()
  await back
  const after = await redis.get('key')
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(ms).toBeGreaterThan(500)
  expect(status).not.toBe('ready')
  expect(after).toBe('value')
})
