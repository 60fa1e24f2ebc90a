import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KeyPair, signHello } from '../../protocol/hello.ts'
import { LoadConnection, wireRequest } from '../../testkit/http-load.ts'
import { announceAs, identityOf } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import type { TrackerPlugin } from '../../tracker/seam.ts'
import { startTracker } from '../../tracker/start.ts'
import { packFiles } from '../../tracker-client/api/packed-files.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { groupOfFour, TestFleet } from '../support/tracker-fleet.ts'

/** The fast path for announces and heartbeats, and the requests that it leaves to Fastify. */
let fleet: TestFleet
let owner: TrackerClient
let actors: Awaited<ReturnType<typeof groupOfFour>>

beforeAll(async () => {
  fleet = await TestFleet.start(1)
  actors = await groupOfFour(fleet, 'team')
  owner = actors.owner
})
afterAll(() => fleet.stop())

const FILE = 'a'.repeat(64)
const newPeer = (): KeyPair => identityOf(randomBytes(8).toString('hex'))
const tokenOf = ({ token }: TrackerClient): string => token ?? ''
const heartbeat = ({ peer }: KeyPair, token = tokenOf(owner)): string =>
  wireRequest({ method: 'POST', path: `/v1/announce/${peer}/1`, token })
const said = ({ peer }: KeyPair, more: object = {}) => ({ peer, port: 4000, tls: true, sequence: 1, ...more })
/** The proof that a first announce needs. */
const hello = (keys: KeyPair, token = tokenOf(owner)) => ({ hello: signHello(keys, token, Date.now()) })
const announce = (body: unknown, token = tokenOf(owner)): string =>
  wireRequest({ method: 'POST', path: '/v1/announce', token, body })
const serving = (fileId: string, complete = true) => packFiles([{ group: 'team', fileId, complete }])

async function answers(connection: LoadConnection, ...requests: string[]) {
  const all = await Promise.all(requests.map((request) => connection.send(request)))
  return all.map(({ status, body }) => ({ status, ...JSON.parse(body.toString()) }))
}

/** A known peer with one complete file. */
async function knownPeer(): Promise<KeyPair> {
  const peer = newPeer()
  const files = [{ group: 'team', fileId: FILE, complete: true }]
  await announceAs(owner, peer, { port: 4000, tls: true, sequence: 1, files })
  return peer
}

test('one connection carries announces, heartbeats and other requests in any order', async () => {
  const peer = newPeer()
  const connection = await LoadConnection.open(fleet.url)
  const me = wireRequest({ method: 'GET', path: '/v1/users/me', token: tokenOf(owner) })
  const requests = [
    announce(said(peer, { files: serving(FILE), ...hello(peer) })),
    heartbeat(peer),
    heartbeat(newPeer()),
    me,
    heartbeat(peer),
    announce(said(peer, { sequence: 2, files: serving(FILE, false) })),
    me,
  ]
  const got = []
  for (const request of requests) got.push(...(await answers(connection, request)))
  expect(got).toMatchObject([
    { status: 200, resync: false },
    { status: 200, resync: false },
    { status: 200, resync: true },
    { status: 200, user: 'team-owner' },
    { status: 200, resync: false },
    { status: 200, resync: false },
    { status: 200, user: 'team-owner' },
  ])
  connection.close()
})

test('pipelined and fragmented requests are answered in order', async () => {
  const peer = await knownPeer()
  const connection = await LoadConnection.open(fleet.url)
  expect(await answers(connection, heartbeat(peer), heartbeat(newPeer()), heartbeat(peer))).toMatchObject([
    { resync: false },
    { resync: true },
    { resync: false },
  ])
  connection.close()
  const request = announce(said(peer, { sequence: 2, files: serving(FILE) }))
  for (const at of [1, 40, request.length - 10]) {
    const socket = await opened()
    socket.write(heartbeat(peer) + request.slice(0, at))
    await heard(socket, /"resync":(true|false)[,}]/)
    socket.write(request.slice(at))
    await heard(socket, /"resync":false[,}]/)
    socket.destroy()
  }
})

test('the fast path and Fastify give identical answers', async () => {
  const peer = await knownPeer()
  const connection = await LoadConnection.open(fleet.url)
  const headers = async (request: string) => {
    const { head } = await connection.send(request)
    return head.replace(/^(date|content-length): .*$/gim, '$1').toLowerCase()
  }
  const ahead = await headers(heartbeat(peer))
  const through = await headers(heartbeat(peer).replace('host:', 'x-unknown: 1\r\nhost:'))
  expect(ahead.trim().split('\r\n').sort()).toEqual(through.trim().split('\r\n').sort())
  expect(ahead).toContain('keep-alive: timeout=65')
  connection.close()
})

test('an invalid announce on a fast-path connection is refused and changes nothing', async () => {
  const peer = await knownPeer()
  const whole = JSON.stringify(said(peer, { sequence: 2, files: serving(FILE) }))
  const [empty = ''] = announce('').split('content-length')
  const raw = (text: string) => `${empty}content-length: ${text.length}\r\n\r\n${text}`
  const bodies = {
    'invalid JSON': '{',
    'a prototype': whole.replace('{', '{"__proto__":{"admin":true},'),
    'an escaped prototype': whole.replace('{', '{"__pr\\u006fto__":{"admin":true},'),
    'the constructor of one': whole.replace('{', '{"constructor":{"prototype":{}},'),
    'a truncated id': whole.replace(FILE, FILE.slice(1)),
    'an id in capitals': whole.replace(FILE, FILE.toUpperCase()),
    'a list of objects': whole.replace(/"complete":"[^"]*"/, '"complete":[]'),
    'a list of ids alone': JSON.stringify(said(peer, { files: [FILE] })),
    'a port out of range': whole.replace('4000', '65536'),
    'a sequence below zero': whole.replace('"sequence":2', '"sequence":-1'),
    'another peer id': whole.replace(peer.peer, peer.peer.slice(2)),
  }
  for (const [what, body] of Object.entries(bodies)) {
    const connection = await LoadConnection.open(fleet.url)
    expect(await answers(connection, heartbeat(peer))).toMatchObject([{ status: 200, resync: false }])
    const [{ status, error }] = (await answers(connection, raw(body))) as [{ status: number; error: unknown }]
    expect([what, status, error]).toMatchObject([what, 400, { code: 'BAD_REQUEST' }])
    connection.close()
  }
  expect((await owner.heartbeat(peer.peer, 1)).resync).toBe(false)
})

test('a revoked session and a former member are refused on a connection that stays open', async () => {
  const leaver = await fleet.user('leaver')
  await leaver.requestJoin('team')
  await owner.accept('team', ['leaver'])
  const token = tokenOf(leaver)
  const peer = newPeer()
  const connection = await LoadConnection.open(fleet.url)
  const first = announce(said(peer, { files: serving(FILE), ...hello(peer, token) }), token)
  for (const request of [first, heartbeat(peer, token)])
    expect(await answers(connection, request)).toMatchObject([{ resync: false }])
  await leaver.leave('team')
  await until(async () => (await answers(connection, heartbeat(peer, token)))[0]?.resync === true)
  await leaver.logout()
  expect(await answers(connection, heartbeat(peer, token))).toMatchObject([
    { status: 401, error: { code: 'TOKEN_INVALID' } },
  ])
  expect(await answers(connection, heartbeat(peer, 'nonsense'))).toMatchObject([{ status: 401 }])
  connection.close()
})

test('plugins observe every answer, and their hooks see every request', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-front-'))
  const told: string[] = []
  const seen: string[] = []
  const watching: TrackerPlugin = ({ onAnswer }) => {
    onAnswer((method, route, status, ms) => {
      told.push(`${method} ${route} ${status} ${ms >= 0}`)
      throw new Error('a listener that throws')
    })
  }
  const hooking: TrackerPlugin = ({ app }) => {
    app.register(async (own) => own.addHook('onRequest', (_, __, done) => done()))
    app.addHook('onRequest', ({ url }, _, done) => {
      seen.push(url)
      done()
    })
  }
  const start = (setup: TrackerPlugin) =>
    startTracker({
      listen: { host: '127.0.0.1', port: 0 },
      redis: fleet.redis.url,
      dataFolder: folder,
      log: 'silent',
      extensions: [{ name: 'watch', setting: () => undefined, setup }],
    })
  for (const setup of [watching, hooking]) {
    const tracker = await start(setup)
    const connection = await LoadConnection.open(tracker.url)
    const peer = newPeer()
    const sent = [
      announce(said(peer, { files: serving(FILE), ...hello(peer) })),
      heartbeat(peer),
      heartbeat(peer),
    ]
    for (const request of sent) expect(await answers(connection, request)).toMatchObject([{ resync: false }])
    connection.close()
    await tracker.stop()
    if (setup === watching)
      expect(told).toEqual([
        'POST /v1/announce 200 true',
        'POST /v1/announce/:peer/:sequence 200 true',
        'POST /v1/announce/:peer/:sequence 200 true',
      ])
    else expect(seen).toEqual(['/v1/announce', `/v1/announce/${peer.peer}/1`, `/v1/announce/${peer.peer}/1`])
  }
  await rm(folder, { recursive: true })
})

test('a stopping tracker closes connections that have sent only heartbeats or nothing', async () => {
  const extra = await fleet.add()
  const sockets = [await opened(extra.url), await opened(extra.url)]
  const peer = await knownPeer()
  sockets[0]!.write(heartbeat(peer))
  await heard(sockets[0]!, /"resync":/)
  const closed = sockets.map((socket) => once(socket.resume(), 'close'))
  const began = performance.now()
  await extra.stop()
  await Promise.all(closed)
  // Otherwise it would wait as long as it does for running requests.
  expect(performance.now() - began).toBeLessThan(4000)
})

async function opened(url = fleet.url): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  return socket
}

async function heard(socket: Socket, what: RegExp): Promise<void> {
  let text = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onData = (data: Buffer): void => {
    text += data.toString('latin1')
    if (what.test(text)) resolve()
  }
  const onClose = (): void => reject(new Error(`closed after ${JSON.stringify(text)}`))
  socket.on('data', onData).once('close', onClose)
  await promise
  socket.off('data', onData).off('close', onClose)
}
