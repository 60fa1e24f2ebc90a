import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../../../testkit/until.ts'
import { FaultProxy } from '../../../support/faults/fault-proxy.ts'

let server: Server
let proxy: FaultProxy
let received: string
const clients: Socket[] = []

/** Echoes each piece. */
beforeEach(async () => {
  received = ''
  server = createServer((socket) => {
    socket.on('data', (data) => {
      received += data
      socket.write(data)
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy = await FaultProxy.start({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.stop()
  await new Promise((resolve) => server.close(resolve))
})

interface Client {
  socket: Socket
  heard: () => string
}

async function dial(port = proxy.port): Promise<Client> {
  const client = begin(port)
  await once(client.socket, 'connect')
  return client
}

/** A connection that may be refused. */
function begin(port = proxy.port): Client {
  const socket = connect(port, '127.0.0.1')
  clients.push(socket)
  let heard = ''
  socket.on('data', (data) => {
    heard += data
  })
  socket.on('error', () => {})
  return { socket, heard: () => heard }
}

async function roundTrip({ socket, heard }: Client, text: string): Promise<number> {
  const start = performance.now()
  const before = heard().length
  socket.write(text)
  await until(() => heard().length === before + text.length)
  return performance.now() - start
}

test('without faults it forwards all data and both ends of a connection', async () => {
  const client = await dial()
  await roundTrip(client, 'hello')
  expect(client.heard()).toBe('hello')
  client.socket.end()
  await until(() => client.socket.closed)
  await until(() => proxy.connections === 0)
})

test('latency and jitter delay both ways, and pieces stay in order', async () => {
  proxy.set({ latencyMs: 30, jitterMs: 20 })
  const client = await dial()
  expect(await roundTrip(client, 'a')).toBeGreaterThanOrEqual(59)
  const text = 'abcdefghij'
  for (const letter of text) client.socket.write(letter)
  await until(() => client.heard().length === 11)
  expect(client.heard()).toBe(`a${text}`)
})

test('a bandwidth limit delays the excess', async () => {
  proxy.set({ bytesPerSecond: 100_000 })
  expect(await roundTrip(await dial(), 'x'.repeat(10_000))).toBeGreaterThanOrEqual(195)
})

test('cut resets open connections, refuse resets new ones', async () => {
  const client = await dial()
  await roundTrip(client, 'a')
  proxy.set({ refuse: true })
  await roundTrip(client, 'b')
  proxy.cut()
  await until(() => client.socket.closed)
  const refused = begin()
  await until(() => refused.socket.closed)
  proxy.heal()
  await roundTrip(await dial(), 'c')
  expect(received).toBe('abc')
})

test('dropped replies are lost, but the requests were served', async () => {
  const client = await dial()
  proxy.set({ dropReplies: true })
  client.socket.write('lost')
  await until(() => proxy.lost === 1)
  expect(received).toBe('lost')
  proxy.set({ dropReplies: false })
  await roundTrip(client, 'heard')
  expect(client.heard()).toBe('heard')
})

test('a cut reply resets the connection after the request was served, at random by the seed', async () => {
  const outcomes = async (seed: number): Promise<boolean[]> => {
    const address = server.address() as AddressInfo
    const seeded = await FaultProxy.start({ host: '127.0.0.1', port: address.port }, { seed })
    seeded.set({ cutReplies: 0.5 })
    const served: boolean[] = []
    for (let i = 0; i < 12; i++) {
      const { socket, heard } = await dial(seeded.port)
      socket.write('x')
      await until(() => heard() === 'x' || socket.closed)
      served.push(heard() === 'x')
      socket.destroy()
    }
    await seeded.stop()
    return served
  }
  const first = await outcomes(7)
  expect(received).toBe('x'.repeat(12))
  expect(await outcomes(7)).toEqual(first)
  expect(new Set(first).size).toBe(2)
})

test('a half-open connection accepts requests and never answers; held data arrives after heal', async () => {
  const old = await dial()
  await roundTrip(old, 'a')
  proxy.set({ halfOpen: true })
  const young = await dial()
  old.socket.write('b')
  young.socket.write('c')
  old.socket.end()
  // An absence is no event to wait for. A round trip takes about a millisecond.
  await delay(50)
  expect([received, old.heard(), young.heard()]).toEqual(['a', 'a', ''])
  proxy.heal()
  await until(() => old.heard() === 'ab' && young.heard() === 'c')
  await until(() => old.socket.closed)
})

test('a unix socket can be upstream, and a missing upstream resets the client', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-proxy-'))
  const path = join(folder, 's')
  const unix = createServer((socket) => socket.pipe(socket))
  await new Promise<void>((resolve) => unix.listen(path, resolve))
  const toUnix = await FaultProxy.start({ path })
  const client = await dial(toUnix.port)
  await roundTrip(client, 'hello')
  unix.close()
  const late = begin(toUnix.port)
  await until(() => late.socket.closed)
  client.socket.destroy()
  await toUnix.stop()
  await rm(folder, { recursive: true })
})
