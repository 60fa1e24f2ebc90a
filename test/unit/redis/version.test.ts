import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { connectRedis, connectSubscriber } from '../../../redis/connect.ts'
import { requireRedis } from '../../../redis/version.ts'
import { TestRedis } from '../../../testkit/redis-server.ts'

const sockets = new Set<Socket>()
let server: Server | undefined

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  if (server?.listening) await new Promise((resolve) => server?.close(resolve))
  server = undefined
})

/** Speaks just enough RESP: answers INFO with `info` (null: not at all), everything else with OK. */
async function fakeRedis(info: string | null): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      if (info === null) return
      const commands = data.toString().match(/\*\d+\r\n\$\d+\r\n[a-z]+/gi) ?? []
      for (const command of commands)
        socket.write(/info$/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `redis://:secret@127.0.0.1:${(server.address() as AddressInfo).port}`
}

const KINDS = {
  commands: (url: string) => connectRedis(url, 'commands'),
  queue: (url: string) => connectRedis(url, 'queue'),
  subscriber: (url: string) => connectSubscriber(url),
}
type Kind = keyof typeof KINDS

async function verdict(url: string, kind: Kind = 'commands', timeoutMs = 5000): Promise<unknown> {
  const redis = KINDS[kind](url)
  try {
    return await requireRedis(redis, url, timeoutMs).then(
      () => 'good',
      (error: unknown) => error,
    )
  } finally {
    redis.disconnect()
  }
}

test.each(['5.0.7', '6.0.16', '6.1.9', '2.8.24'])('Redis %s is too old', async (version) => {
  const url = await fakeRedis(`# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\n`)
  const error = await verdict(url)
  expect(error).toMatchObject({ code: 'REDIS_TOO_OLD', kind: 'unreachable' })
  expect((error as Error).message).not.toContain('secret')
})

test.each(['6.2.0', '7.0.15', '7.2.4', '10.0.0'])('Redis %s is new enough', async (version) => {
  expect(await verdict(await fakeRedis(`redis_version:${version}\r\n`))).toBe('good')
})

test('a server that reports no version counts as too old', async () => {
  expect(await verdict(await fakeRedis('# Server\r\nmystery:1\r\n'))).toMatchObject({ code: 'REDIS_TOO_OLD' })
})

test.each<Kind>(['commands', 'subscriber', 'queue'])(
  'a %s connection to a closed port fails with REDIS_UNREACHABLE in time',
  async (kind) => {
    const url = await fakeRedis('')
    server?.close()
    const started = performance.now()
    const error = await verdict(url, kind, 300)
    expect(error).toMatchObject({ code: 'REDIS_UNREACHABLE' })
    expect((error as Error).message).not.toContain('secret')
    expect(performance.now() - started).toBeLessThan(3000)
  },
)

test.each([
  ['cluster', 'redis+cluster'],
  ['sentinel', 'redis+sentinel'],
])('a single-server URL of a %s is refused with a hint', async (mode, hint) => {
  const url = await fakeRedis(`redis_version:7.0.0\r\nredis_mode:${mode}\r\n`)
  expect(await verdict(url)).toMatchObject({ code: 'BAD_CONFIG', hint: expect.stringContaining(hint) })
})

test('a server that accepts but never answers is unreachable', async () => {
  expect(await verdict(await fakeRedis(null), 'queue', 300)).toMatchObject({ code: 'REDIS_UNREACHABLE' })
})

test('a real server is accepted, on a new connection and on a ready one', async () => {
  const real = await TestRedis.start()
  const redis = connectRedis(real.url, 'commands')
  try {
    await requireRedis(redis, real.url)
    await requireRedis(redis, real.url)
  } finally {
    redis.disconnect()
    await real.stop()
  }
})
