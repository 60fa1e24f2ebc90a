import { randomBytes } from 'node:crypto'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import { allParts } from '../../protocol/parts.ts'
import { announceAs, identityOf, peerId } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import { hashToken } from '../../tracker/auth/tokens.ts'
import type { MovingSwarms, SwarmPicture } from '../../tracker-client/api/schemas.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { openStore } from '../../tracker-store/open.ts'
import { code, groupOfFour, TestFleet } from '../support/tracker-fleet.ts'

let fleet: TestFleet
let actors: Awaited<ReturnType<typeof groupOfFour>>
beforeAll(async () => {
  fleet = await TestFleet.start(2)
  actors = await groupOfFour(fleet, 'team')
})
afterAll(() => fleet.stop())

const CHUNKS = 4
const moving = (id: string, change: object = {}) => {
  const file = { group: 'team', fileId: id, held: 1, parts: '/wAAAA==', down: 1000, up: 0 }
  return { ...file, ...change }
}

async function publish(name: string): Promise<string> {
  const hashes = randomBytes(CHUNKS * 32)
  const size = CHUNKS * CHUNK_SIZE
  const id = fileId(size, merkleRoot(hashes))
  await actors.owner.publish('team', [{ name, fileId: id, size, hashes: hashes.toString('base64') }])
  return id
}

function announce(client: TrackerClient, peer: string, id: string, complete: boolean, sequence = 1) {
  const files = [{ group: 'team', fileId: id, complete }]
  return announceAs(client, identityOf(peer), { port: 4000, tls: true, sequence, files })
}

/** One replica's answer to the user of this session. */
async function ask<T>(client: TrackerClient, replica: number, path: string): Promise<T> {
  const { url } = fleet.trackers[replica]!
  const response = await fetch(`${url}/v1${path}`, { headers: { authorization: `Bearer ${client.token}` } })
  const body = (await response.json()) as T & { error?: { code: string } }
  if (body.error) throw body.error
  return body
}
const picture = (client: TrackerClient, replica: number, id: string) =>
  ask<SwarmPicture>(client, replica, `/groups/team/swarms/${id}`)
const list = (client: TrackerClient, replica: number) =>
  ask<MovingSwarms>(client, replica, '/groups/team/swarms')
const shown = async (replica: number, id: string) => (await picture(actors.owner, replica, id)).peers

test('a report to one replica appears in every replica’s picture until the peer’s next report', async () => {
  const id = await publish('moved')
  await announce(actors.owner, 'seed', id, true)
  await announce(actors.member, 'leecher', id, false)
  const file = moving(id, { held: 2, parts: Buffer.from([255, 255, 0, 0]).toString('base64'), up: 7 })
  const { interval } = await actors.member.progress({ peer: peerId('leecher'), files: [file] })
  expect(interval).toBeGreaterThanOrEqual(1.6)
  expect(interval).toBeLessThanOrEqual(2.4)
  const leecher = { peer: peerId('leecher'), user: 'team-member', seed: false }
  for (const replica of [0, 1]) {
    await until(async () => (await shown(replica, id))[1]?.held === 2)
    expect(await picture(actors.admin, replica, id)).toEqual({
      fileId: id,
      size: CHUNKS * CHUNK_SIZE,
      chunks: CHUNKS,
      total: 2,
      seeds: 1,
      leechers: 1,
      down: 1000,
      up: 7,
      peers: [
        {
          peer: peerId('seed'),
          user: 'team-owner',
          seed: true,
          held: CHUNKS,
          parts: allParts(CHUNKS),
          down: 0,
          up: 0,
        },
        { ...leecher, held: 2, parts: file.parts, down: 1000, up: 7 },
      ],
    })
    expect(await list(actors.member, replica)).toEqual({
      swarms: [
        {
          fileId: id,
          name: 'moved',
          size: CHUNKS * CHUNK_SIZE,
          chunks: CHUNKS,
          seeds: 1,
          leechers: 1,
          down: 1000,
          up: 7,
        },
      ],
      total: 1,
    })
  }
  await actors.member.progress({ peer: peerId('leecher'), files: [] })
  for (const replica of [1, 0]) {
    await until(async () => (await shown(replica, id))[1]?.held === null)
    expect(await shown(replica, id)).toContainEqual({ ...leecher, held: null, parts: '', down: 0, up: 0 })
    expect((await list(actors.member, replica)).swarms).toEqual([])
  }
})

test('a report counts only for peers of the user and for files of the groups of the user', async () => {
  const id = await publish('guarded')
  await announce(actors.owner, 'seed-2', id, true)
  await announce(actors.stranger, 'outsider', id, false)
  await actors.stranger.progress({ peer: peerId('outsider'), files: [moving(id)] })
  // One peer never announced itself. The other belongs to another user, though it is on the same machine.
  await actors.member.progress({ peer: peerId('unheard of'), files: [moving(id)] })
  await actors.member.progress({ peer: peerId('seed-2'), files: [moving(id, { up: 666 })] })
  await actors.member.progress({
    peer: peerId('leecher'),
    files: [moving('f'.repeat(64)), moving(id, { group: 'nowhere' })],
  })
  expect(await shown(0, id)).toMatchObject([{ peer: peerId('seed-2'), up: 0 }])
  expect(await list(actors.owner, 0)).toEqual({ swarms: [], total: 0 })
})

test('a removed member appears in no picture, and only members see pictures', async () => {
  const id = await publish('left')
  const { owner, stranger } = actors
  await stranger.requestJoin('team')
  await owner.accept('team', ['team-stranger'])
  await announce(stranger, 'leaver', id, false)
  const report = () => stranger.progress({ peer: peerId('leaver'), files: [moving(id)] })
  await report()
  for (const replica of [0, 1]) await until(async () => (await shown(replica, id))[0]?.held === 1)
  expect(await picture(stranger, 0, id)).toMatchObject({ total: 1 })
  await owner.kick('team', ['team-stranger'])
  await report()
  await announce(stranger, 'leaver', id, false, 2)
  for (const replica of [0, 1]) {
    await until(async () => (await picture(owner, replica, id)).total === 0)
    expect(await list(owner, replica)).toEqual({ swarms: [], total: 0 })
    await expect(picture(stranger, replica, id)).rejects.toMatchObject(code('NOT_A_MEMBER'))
    await expect(list(stranger, replica)).rejects.toMatchObject(code('NOT_A_MEMBER'))
  }
  await expect(ask(fleet.anonymous(), 0, `/groups/team/swarms/${id}`)).rejects.toMatchObject(
    code('TOKEN_INVALID'),
  )
})

test('a removed file and an unknown file have no picture', async () => {
  const id = await publish('removed')
  await announce(actors.member, 'holder', id, false)
  await actors.member.progress({ peer: peerId('holder'), files: [moving(id)] })
  await until(async () => (await list(actors.owner, 1)).total === 1)
  await actors.owner.removeFile('team', 'removed')
  for (const replica of [0, 1]) {
    await until(() =>
      picture(actors.owner, replica, id).then(
        () => false,
        ({ code }) => code === 'FILE_NOT_FOUND',
      ),
    )
    expect(await list(actors.owner, replica)).toEqual({ swarms: [], total: 0 })
  }
  await expect(picture(actors.owner, 0, 'f'.repeat(64))).rejects.toMatchObject(code('FILE_NOT_FOUND'))
  await expect(picture(actors.owner, 0, 'nonsense')).rejects.toMatchObject(code('BAD_REQUEST'))
  await expect(ask(actors.owner, 0, '/groups/nowhere/swarms')).rejects.toMatchObject(code('GROUP_NOT_FOUND'))
})

test('a read-only session can report progress and see pictures', async () => {
  const id = await publish('read only')
  const token = `shoal_team-member.${randomBytes(32).toString('base64url')}`
  const store = await openStore({ redis: fleet.redis.url, replicaId: 'test' })
  const expires = new Date(Date.now() + 60_000).toISOString()
  const by = { key: 'read', by: 'team-member', at: new Date().toISOString() }
  await store.sessions.create(by, { tokenHash: hashToken(token), expires, scope: 'read' })
  await store.close()
  const reader = fleet.anonymous()
  reader.token = token
  await expect(reader.createGroup('refused')).rejects.toMatchObject(code('SCOPE_TOO_NARROW'))
  await announce(reader, 'reader', id, false)
  await reader.progress({ peer: peerId('reader'), files: [moving(id)] })
  expect(await picture(reader, 0, id)).toMatchObject({ peers: [{ held: 1, down: 1000 }] })
})

test('a malformed report is refused as a whole, with a message', async () => {
  const id = await publish('malformed')
  await announce(actors.member, 'muddled', id, false)
  const good = moving(id)
  const bad: Record<string, unknown> = {
    'no body': undefined,
    'no peer': { files: [] },
    'a short id': { peer: 'ab', files: [] },
    'too many files': { peer: peerId('muddled'), files: Array(65).fill(good) },
    ...Object.fromEntries(
      [
        { held: -1 },
        { held: CHUNKS + 1 },
        { held: 0.5 },
        { held: 2 ** 60 },
        { held: null },
        { parts: '' },
        { parts: 'AAAA' },
        { parts: 'not base64!' },
        { parts: '/wAAAA' },
        { parts: 'A'.repeat(92) },
        { down: -1 },
        { down: 1e300 },
        { up: '1' },
        { group: '' },
        { fileId: id.toUpperCase() },
      ].map((change) => [
        JSON.stringify(change),
        { peer: peerId('muddled'), files: [good, { ...good, ...change }] },
      ]),
    ),
  }
  for (const [what, body] of Object.entries(bad)) {
    const answer = await fleet.send('POST', '/v1/progress', { token: actors.member.token, body })
    expect([what, answer.status, answer.body]).toMatchObject([
      what,
      400,
      { error: { code: 'BAD_REQUEST', message: expect.any(String) } },
    ])
  }
  expect(await shown(0, id)).toMatchObject([{ held: null }])
  const anonymous = await fleet.send('POST', '/v1/progress', {
    body: { peer: peerId('muddled'), files: [good] },
  })
  expect(anonymous).toMatchObject({ status: 401, body: { error: { code: 'NOT_LOGGED_IN' } } })
})
