import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { selfSigned } from '../support/self-signed.ts'
import { World } from '../support/shoal.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.close())

interface Status {
  replicas: { id: string; url: string; revisionLag: number; uptime: number }[]
}

test('a second tracker on the same data folder is a second replica, and both see every change', async () => {
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

test('with one of two trackers killed the next command works, and nothing acknowledged is missing', async () => {
  const first = await world.tracker()
  await world.tracker()
  const ada = await world.home('ada').join('ada')
  const made: string[] = []
  for (let i = 0; i < 5; i++) made.push((await ada.ok<{ group: string }>(`group create before-${i}`)).group)
  await first.end('SIGKILL')
  const started = performance.now()
  await ada.ok('group create after')
  // Two seconds for the failover; the rest is the start of the command itself.
  expect(performance.now() - started).toBeLessThan(3500)
  const { groups } = await ada.ok<{ groups: { group: string }[] }>('group list')
  expect(groups.map(({ group }) => group)).toEqual(['after', ...made])
})

test('the metadata is there again after all trackers were killed and one is started', async () => {
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

test('tracker start --detach returns once it is ready, and tracker stop ends all of the folder', async () => {
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

test('tracker stop leaves a process alone that only has the id of a dead tracker', async () => {
  const running = await world.tracker()
  const file = join(world.path('data', 'replicas'), `${process.pid}.json`)
  writeFileSync(file, JSON.stringify({ pid: process.pid, url: 'x', replica: 'x', started: '1' }))
  const stop = ['tracker', 'stop', '--data', world.path('data')]
  expect(await world.home('operator').ok(stop)).toMatchObject({ stopped: [{ pid: running.ready.pid }] })
})

test('a port in use is told before and after detaching, and nothing is left running', async () => {
  const { ready } = await world.tracker()
  const listen = new URL(ready.url as string).host
  const operator = world.home('operator')
  const line = ['tracker', 'start', '--listen', listen, '--data', world.path('data')]
  for (const words of [line, [...line, '--detach']])
    expect(await operator.fails(words)).toMatchObject({ exit: 6, code: 'PORT_IN_USE' })
})

test('a tracker speaks https to those who trust its certificate', async () => {
  const { cert, key } = selfSigned(world.folder)
  const { ready } = await world.tracker('data', ['--tls-cert', cert, '--tls-key', key])
  expect(ready.url).toMatch(/^https:/)
  const ada = world.home('ada')
  expect(await ada.fails('user register ada')).toMatchObject({ exit: 7 })
  expect(await ada.ok('user register ada', { env: { SHOAL_TRACKER_CA: cert } })).toEqual({ user: 'ada' })
})
