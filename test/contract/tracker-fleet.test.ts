import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import { until } from '../../testkit/until.ts'
import { tinyFile } from '../../testkit/write-load.ts'
import { startTracker } from '../../tracker/start.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { code, groupOfFour, TestFleet } from '../support/tracker-fleet.ts'

let fleet: TestFleet
beforeAll(async () => {
  fleet = await TestFleet.start(2)
})
afterAll(() => fleet.stop())

test('a client that switches replicas never sees time go backwards', async () => {
  const owner = await fleet.user('clock')
  const joiner = await fleet.user('joiner')
  await owner.createGroup('clock')
  const urls = fleet.trackers.map((tracker) => tracker.url)
  const headers = { authorization: `Bearer ${owner.token}` }
  for (let i = 0; i < 20; i++) {
    const { revision } = await joiner.requestJoin('clock')
    for (const url of urls) {
      const seen = { ...headers, 'shoal-revision': String(revision) }
      const response = await fetch(`${url}/v1/groups/clock/requests`, { headers: seen })
      expect(await response.json()).toMatchObject({ requests: [{ user: 'joiner' }] })
      expect(Number(response.headers.get('shoal-revision'))).toBeGreaterThanOrEqual(revision)
    }
    await owner.reject('clock', ['joiner'])
  }
})

test('members follow a group’s events in order from any revision, on any replica, until they are removed', async () => {
  const { owner, member } = await groupOfFour(fleet, 'feed')
  const follower = fleet.anonymous(1)
  follower.token = member.token
  const seen: GroupEvent[] = []
  const following = (async () => {
    for await (const event of follower.events('feed', 1, new AbortController().signal)) seen.push(event)
  })()
  await until(() => seen.length === 4)
  await owner.kick('feed', ['feed-admin'])
  await owner.kick('feed', ['feed-member'])
  await expect(following).rejects.toMatchObject(code('NOT_A_MEMBER'))
  expect(seen.map((event) => event.revision)).toEqual([2, 3, 4, 5, 6, 7])
  expect(seen.map((event) => event.type)).toEqual([
    'member.requested',
    'member.requested',
    'member.accepted',
    'member.promoted',
    'member.kicked',
    'member.kicked',
  ])
})

test('the status lists all replicas, and counts users, groups, files and peers', async () => {
  const owner = await fleet.user('counter')
  await owner.createGroup('counted')
  const status = await owner.status()
  expect(status.replicas.map((replica) => replica.url).sort()).toEqual(
    fleet.trackers.map((t) => t.url).sort(),
  )
  for (const replica of status.replicas)
    expect(replica).toMatchObject({ revisionLag: 0, memory: expect.any(Number), swarms: expect.any(Number) })
  const empty = { name: 'empty', fileId: fileId(0, merkleRoot(Buffer.alloc(0))), size: 0 }
  await owner.publish('counted', [empty])
  const after = await owner.status()
  expect(after.users).toBe(status.users)
  expect(after.groups).toBe(status.groups)
  expect(after.files).toBe(status.files + 1)
  expect(after.streams.changes).toBe(status.streams.changes + 1)
  expect(after.streams.longest).toBeGreaterThanOrEqual(2)
  expect(after.redis).toEqual({ kind: 'unix', masters: 1, copies: 0, memory: expect.any(Number) })
})

test('the OpenAPI document names every route, and says which are public', async () => {
  const { body: document } = await fleet.send('GET', '/v1/openapi.json')
  const operations = Object.entries(
    document.paths as Record<string, Record<string, { security?: unknown[] }>>,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => `${method} ${path}${security ? ' public' : ''}`),
  )
  expect(operations.sort()).toEqual(
    [
      'post /v1/users public',
      'get /v1/users/me',
      'put /v1/users/me/password',
      'post /v1/sessions public',
      'delete /v1/sessions/current',
      'post /v1/groups',
      'get /v1/groups',
      'get /v1/groups/{group}',
      'post /v1/groups/{group}/requests',
      'get /v1/groups/{group}/requests',
      'post /v1/groups/{group}/requests/accept',
      'post /v1/groups/{group}/requests/reject',
      'post /v1/groups/{group}/leave',
      'post /v1/groups/{group}/kick',
      'post /v1/groups/{group}/promote',
      'get /v1/groups/{group}/files',
      'post /v1/groups/{group}/files',
      'delete /v1/groups/{group}/files',
      'get /v1/groups/{group}/versions',
      'get /v1/groups/{group}/resolve',
      'get /v1/groups/{group}/tags',
      'put /v1/groups/{group}/tags',
      'delete /v1/groups/{group}/tags',
      'get /v1/groups/{group}/tags/history',
      'put /v1/groups/{group}/hashes/{fileId}',
      'get /v1/groups/{group}/hashes/{fileId}',
      'post /v1/groups/{group}/swarms',
      'get /v1/groups/{group}/swarms',
      'get /v1/groups/{group}/swarms/{fileId}',
      'post /v1/progress',
      'get /v1/groups/{group}/events',
      'post /v1/announce',
      'post /v1/announce/{peer}/{sequence}',
      'get /v1/keys public',
      'get /v1/status public',
    ].sort(),
  )
})

test('a stopping tracker ends its streams, finishes running requests, and leaves the fleet', async () => {
  const extra = await fleet.add()
  const owner = await fleet.user('patient')
  await owner.createGroup('patient')
  expect((await fetch(`${extra.url}/readyz`)).status).toBe(200)
  const stream = await fetch(`${extra.url}/v1/groups/patient/events`, {
    headers: { authorization: `Bearer ${owner.token}` },
  })
  // Its body is held back until the tracker is stopping: it must still be answered.
  const slow = request(`${extra.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'idempotency-key': 'k', 'content-type': 'application/json', expect: '100-continue' },
  })
  slow.flushHeaders()
  await new Promise((resolve) => slow.once('continue', resolve))
  const answered = new Promise<number | undefined>((resolve) =>
    slow.once('response', (r) => resolve(r.resume().statusCode)),
  )
  const stopped = extra.stop()
  fleet.trackers.pop()
  expect(await stream.text()).toBe(': hello\n\n')
  slow.end(JSON.stringify({ user: 'nobody', password: 'wrong password' }))
  expect(await answered).toBe(401)
  await stopped
  await expect(fetch(`${extra.url}/healthz`)).rejects.toThrow()
  const { replicas } = await owner.status()
  expect(replicas).toHaveLength(2)
})

test('a start on a port in use fails with its number and leaves nothing behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-port-'))
  const port = Number(new URL(fleet.url).port)
  const options = { listen: { host: '127.0.0.1', port }, dataFolder: folder, log: 'silent' as const }
  await expect(startTracker(options)).rejects.toMatchObject(code('PORT_IN_USE'))
  await rm(folder, { recursive: true })
})

test('two trackers on one data folder share an embedded Redis, which runs until the last one stops', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'shoal-data-'))
  const options = { listen: { host: '127.0.0.1', port: 0 }, dataFolder, log: 'silent' as const }
  const first = await startTracker(options)
  const second = await startTracker(options)
  expect(second.redis).toBe(first.redis)
  await first.stop()
  expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
  await second.stop()
  await rm(dataFolder, { recursive: true })
})

test('without Redis, changes are refused within a second and the tracker is not ready', async () => {
  const own = await TestFleet.start()
  try {
    const owner = await own.user('ann')
    await owner.createGroup('team')
    await owner.group('team')
    await own.redis.kill()
    const start = performance.now()
    await expect(owner.createGroup('other')).rejects.toMatchObject(code('STORE_UNAVAILABLE'))
    expect(performance.now() - start).toBeLessThan(1500)
    expect(await owner.group('team')).toMatchObject({ group: 'team' })
    expect((await own.send('GET', '/readyz')).status).toBe(503)
    expect((await own.send('GET', '/healthz')).status).toBe(200)
    await own.redis.start()
    await until(async () => (await own.send('GET', '/readyz')).status === 200)
    expect(await owner.createGroup('other')).toEqual({ revision: 1 })
  } finally {
    await own.stop()
  }
})

test('a change confirmed to one client is visible to the next one at once, on every replica', async () => {
  const [ada, bob] = [await fleet.user('ada-at-once'), await fleet.user('bob-at-once')]
  await ada.createGroup('at-once')
  // Both replicas have the group in memory, and receive its changes only later.
  for (let replica = 0; replica < 2; replica++) await asOn(ada, replica).group('at-once')
  await bob.requestJoin('at-once')
  await ada.accept('at-once', ['bob-at-once'])
  expect(await asOn(bob, 1).group('at-once')).toMatchObject({ role: 'member' })
  for (let i = 0; i < 50; i++) {
    const { files } = await asOn(ada, 0).publish('at-once', [tinyFile(`file-${i}`)])
    const { fileId } = files[0]!
    const listed = await asOn(bob, 1).files('at-once', { prefix: `file-${i}` })
    expect(listed.files).toMatchObject([{ name: `file-${i}`, fileId }])
    const joined = await asOn(bob, i % 2).joinSwarms('at-once', { peer: 'a'.repeat(64), fileIds: [fileId] })
    expect(joined.swarms).toMatchObject([{ fileId }])
  }
})

/** The same session on one replica, without any revision seen. */
function asOn(client: TrackerClient, replica: number): TrackerClient {
  const other = fleet.anonymous(replica)
  other.token = client.token
  return other
}
