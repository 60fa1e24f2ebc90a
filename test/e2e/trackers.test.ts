import { readdirSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { announcedUrl } from '../../protocol/listen.ts'
import { World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { selfSigned } from '../support/self-signed.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.close())

interface Status {
  replicas: {
    id: string
    url: string
    revisionLag: number
    uptime: number
    memory: number
    swarms: number
    peers: number
  }[]
  users: number
  groups: number
  files: number
  swarms: number
  peers: number
  streams: { changes: number; longest: number }
  redis: { kind: string; masters: number; copies: number; memory: number }
}

test('a second tracker on the same data folder joins as a replica, and both see every change', async () => {
  const first = await world.tracker()
  const second = await world.tracker()
  expect(second.ready.redis).toBe(first.ready.redis)
  const ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
  for (const { ready } of [first, second]) {
    const only = { env: { SHOAL_TRACKER: ready.url as string } }
    expect(await ada.ok('group show team', only)).toMatchObject({ owner: 'ada', revision: 1 })
  }
  const { replicas } = await ada.ok<Status>('tracker status')
  expect(replicas.map(({ id }) => id).sort()).toEqual([first.ready.replica, second.ready.replica].sort())
  expect(await ada.ok('tracker status')).toMatchObject({ users: 1, groups: 1, files: 0, peers: 0 })
})

test('a replica is listed with its --url, or with a host address if it listens on all interfaces', async () => {
  const named = await world.tracker('data', ['--url', 'tracker.example.com:8443'])
  const every = await world.tracker('data', ['--listen', '0.0.0.0:0'])
  const local = every.ready.url as string
  expect(local).toMatch(/^http:\/\/127\.0\.0\.1:/)
  const { replicas } = await world.home('ada').ok<Status>('tracker status')
  const urlOf = (replica: unknown) => replicas.find(({ id }) => id === replica)?.url
  expect(urlOf(named.ready.replica)).toBe('http://tracker.example.com:8443')
  const outside = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const url = announcedUrl('http', '0.0.0.0', Number(new URL(local).port), outside)
  expect(urlOf(every.ready.replica)).toBe(url)
})

test('every replica reports the fleet’s replicas, users, groups, files, changes and peers', async () => {
  const trackers = [await world.tracker(), await world.tracker(), await world.tracker()]
  const [ada, bob] = await world.users('ada', 'bob')
  for (const group of ['one', 'two', 'three']) await ada.ok(`group create ${group}`)
  await ada.admit('two', bob)
  for (const name of ['a', 'b', 'c']) writeFileSync(world.path(name), name.repeat(1000))
  for (const home of [ada, bob]) await home.start('peer start --listen 127.0.0.1:0')
  await ada.ok(['peer', 'upload', world.path('a'), world.path('b'), '--group', 'one'])
  await ada.ok(['peer', 'upload', world.path('a'), '--group', 'two'])
  await bob.ok(['peer', 'upload', world.path('c'), '--group', 'two'])
  await ada.ok('peer remove one:b')
  // one: created, two published, one removed. two: created, requested, accepted, two published. three: created.
  const facts = { users: 2, groups: 3, files: 3, streams: { changes: 10, longest: 5 } }
  const known = { revisionLag: 0, swarms: 3, peers: 2 }
  for (const { ready } of trackers) {
    const ask = () => ada.ok<Status>('tracker status', { env: { SHOAL_TRACKER: ready.url as string } })
    // A replica updates its own figures in the fleet every two seconds.
    const told = ({ replicas }: Status) => replicas.every((of) => of.swarms === 3 && of.peers === 2)
    await until(async () => told(await ask()), 15_000)
    const status = await ask()
    expect(status).toMatchObject({ ...facts, swarms: 3, peers: 2 })
    expect(status.redis).toEqual({ kind: 'unix', masters: 1, copies: 0, memory: expect.any(Number) })
    const of = trackers.map(({ ready: { replica, url } }) =>
      expect.objectContaining({ id: replica, url, ...known }),
    )
    expect(status.replicas).toHaveLength(3)
    expect(status.replicas).toEqual(expect.arrayContaining(of))
    for (const { uptime, memory } of status.replicas) {
      expect(uptime).toBeGreaterThan(0)
      expect(memory).toBeGreaterThan(2 ** 20)
    }
  }
  await trackers[1]!.end('SIGTERM')
  const left = [trackers[0]!, trackers[2]!].map(({ ready }) => ready.replica)
  const { replicas } = await ada.ok<Status>('tracker status')
  expect(replicas.map(({ id }) => id).sort()).toEqual(left.sort())
}, 60_000)

test('with one of two trackers killed, the next command works and no acknowledged change is missing', async () => {
  const first = await world.tracker()
  await world.tracker()
  const ada = await world.home('ada').join('ada')
  const made: string[] = []
  for (let i = 0; i < 5; i++) made.push((await ada.ok<{ group: string }>(`group create before-${i}`)).group)
  await first.end('SIGKILL')
  const started = performance.now()
  await ada.ok('group create after')
  // Two seconds for the failover. The rest is the start of the command itself.
  expect(performance.now() - started).toBeLessThan(3500)
  const { groups } = await ada.ok<{ groups: { group: string }[] }>('group list')
  expect(groups.map(({ group }) => group)).toEqual(['after', ...made])
})

test('the metadata survives a kill of all trackers', async () => {
  const first = await world.tracker()
  const ada = await world.home('ada').join('ada')
  await ada.ok('group create team')
  await first.end('SIGKILL')
  expect(await ada.fails('group list')).toMatchObject({ exit: 7, code: 'TRACKER_UNREACHABLE' })
  world.trackers = []
  await world.tracker()
  expect(await ada.ok('group show team')).toMatchObject({ owner: 'ada' })
})

test('SIGTERM and Ctrl-C stop a tracker cleanly, with the exit status of the signal', async () => {
  expect(await (await world.tracker()).end('SIGTERM')).toBe(143)
  expect(await (await world.tracker()).end('SIGINT')).toBe(130)
  expect(readdirSync(world.path('data', 'replicas'))).toEqual([])
})

test('tracker start --detach returns once it is ready, and tracker stop stops all trackers of the data folder', async () => {
  const operator = world.home('operator')
  const ready = await operator.ok<{ url: string; pid: number }>('tracker start --detach --listen 127.0.0.1:0')
  expect(ready).toEqual({
    url: expect.stringMatching(/^http:/),
    replica: expect.any(String),
    redis: expect.any(String),
    pid: expect.any(Number),
  })
  const second = await operator.ok<{ pid: number }>('tracker start --detach --listen 127.0.0.1:0')
  world.trackers = [ready.url]
  await operator.join('olga')
  expect(await operator.ok('tracker status')).toMatchObject({ users: 1 })
  const { stopped } = await operator.ok<{ stopped: { pid: number }[] }>('tracker stop')
  expect(stopped.map(({ pid }) => pid).sort()).toEqual([ready.pid, second.pid].sort())
  expect(await operator.fails('tracker status')).toMatchObject({ exit: 7, code: 'TRACKER_UNREACHABLE' })
  expect(await operator.ok('tracker stop')).toEqual({ stopped: [] })
})

test('tracker stop spares a process that only reuses the id of a dead tracker', async () => {
  const running = await world.tracker()
  const file = join(world.path('data', 'replicas'), `${process.pid}.json`)
  writeFileSync(file, JSON.stringify({ pid: process.pid, url: 'x', replica: 'x', started: '1' }))
  const stop = ['tracker', 'stop', '--data', world.path('data')]
  expect(await world.home('operator').ok(stop)).toMatchObject({ stopped: [{ pid: running.ready.pid }] })
})

test('a port in use is reported with and without --detach, and nothing is left running', async () => {
  const { ready } = await world.tracker()
  const listen = new URL(ready.url as string).host
  const operator = world.home('operator')
  const line = ['tracker', 'start', '--listen', listen, '--data', world.path('data')]
  for (const words of [line, [...line, '--detach']])
    expect(await operator.fails(words)).toMatchObject({ exit: 6, code: 'PORT_IN_USE' })
})

test('a tracker serves HTTPS to clients that trust its certificate', async () => {
  const { cert, key } = selfSigned(world.folder)
  const { ready } = await world.tracker('data', ['--tls-cert', cert, '--tls-key', key])
  expect(ready.url).toMatch(/^https:/)
  const ada = world.home('ada')
  expect(await ada.fails('user register ada')).toMatchObject({ exit: 7 })
  expect(await ada.ok('user register ada', { env: { SHOAL_TRACKER_CA: cert } })).toEqual({ user: 'ada' })
})
