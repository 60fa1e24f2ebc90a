import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DownloadedFile } from '../../peer/control/api.ts'
import type { PeerNode } from '../../peer/node.ts'
import { startPeer } from '../../peer/start.ts'
import { type Identity, loadIdentity } from '../../peer/wire/identity.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { ASKED_HEADER, filePath, havePath } from '../../protocol/peer-wire.ts'
import { until } from '../../testkit/until.ts'
import type { GrantOptions } from '../../tracker/auth/grants.ts'
import { startTracker } from '../../tracker/start.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { content } from '../support/peer/content.ts'
import { TestFleet } from '../support/tracker-fleet.ts'

/** The longest time from a removal until every peer enforces it. */
const LIMIT_MS = 2000
const GROUP = 'team'
const folder = mkdtempSync(join(tmpdir(), 'shoal-removal-'))
const FILE = content(6 * 1024 * 1024, 3)
let fleet: TestFleet
let ada: TrackerClient
let bob: TrackerClient
let cyd: TrackerClient
let seed: PeerNode
const peers: PeerNode[] = []
const warnings: string[] = []

beforeAll(async () => {
  fleet = await TestFleet.start(2)
  ;[ada, bob, cyd] = await members('ada', 'bob', 'cyd')
  seed = await start('ada', ada)
  await share(seed, FILE.data, 'file')
}, 30_000)
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.stop()))
  await fleet.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Clients of new users, the first of whom makes the group and takes the others in. */
async function members(
  first: string,
  ...others: string[]
): Promise<[TrackerClient, TrackerClient, TrackerClient]> {
  const clients = []
  for (const name of [first, ...others]) clients.push(await fleet.user(name))
  await clients[0]!.createGroup(GROUP)
  for (const client of clients.slice(1)) await client.requestJoin(GROUP)
  await clients[0]!.accept(GROUP, others)
  return clients as [TrackerClient, TrackerClient, TrackerClient]
}

async function start(name: string, client: TrackerClient): Promise<PeerNode> {
  const peer = await startPeer({
    home: join(folder, name),
    listen: { host: '127.0.0.1', port: 0 },
    tls: true,
    client,
    session: () => client.token,
    queue: fleet.redis.url,
    log: {
      warn: (message) => void warnings.push(`${name}: ${message}`),
      error: (error) => console.error(error),
    },
  })
  peers.push(peer)
  return peer
}

async function share(peer: PeerNode, data: Buffer, name: string, file = name): Promise<void> {
  const path = join(folder, `shared-${file}`)
  writeFileSync(path, data)
  await peer.upload({ group: GROUP, files: [{ path, name }] }, () => {}, new AbortController().signal)
}

function download(peer: PeerNode, name: string, output: string): Promise<DownloadedFile> {
  const options = { output: join(folder, output), maxDown: 0, maxUp: 0, sequential: false, waitMs: 30_000 }
  return peer
    .download({ group: GROUP, name, ...options }, () => {}, new AbortController().signal)
    .then(({ files }) => files[0]!)
}

interface Held {
  identity: Identity
  grant: string
}

/** A certificate, and a grant for it that any HTTP client can use. */
async function grantTo(name: string, client: TrackerClient, fileId = FILE.fileId): Promise<Held> {
  const identity = await loadIdentity(join(folder, name))
  const { swarms } = await client.joinSwarms(GROUP, { peer: identity.peer, fileIds: [fileId] })
  return { identity, grant: swarms[0]!.grant }
}

interface Transfer {
  status: number
  bytes: number
  body: Buffer[]
  /** performance.now() at its end, whole or not. */
  endedAt: number | null
  isWhole: boolean
}

/** Asks `peer` and returns once something has come. */
async function ask(peer: PeerNode, { identity, grant }: Held, path: string): Promise<Transfer> {
  const { key, cert } = identity
  const transfer: Transfer = { status: 0, bytes: 0, body: [], endedAt: null, isWhole: false }
  const headers = { authorization: `Bearer ${grant}`, [ASKED_HEADER]: '1' }
  const agent = new Agent({ maxCachedSessions: 0 })
  const asked = request(peer.url + path, { key, cert, rejectUnauthorized: false, agent, headers })
  const end = (): void => {
    transfer.endedAt ??= performance.now()
  }
  asked.on('error', end).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  transfer.status = response.statusCode ?? 0
  response.on('error', end).on('close', end)
  response.on('data', (data: Buffer) => {
    transfer.bytes += data.length
    transfer.body.push(data)
  })
  response.on('end', () => {
    transfer.isWhole = true
    agent.destroy()
  })
  await until(() => transfer.bytes > 0 || transfer.endedAt !== null)
  return transfer
}

const withinLimit = async (transfers: Transfer[], since: number): Promise<void> => {
  await until(() => transfers.every(({ endedAt }) => endedAt !== null), 2 * LIMIT_MS)
  for (const { endedAt, isWhole } of transfers) {
    expect(endedAt! - since).toBeLessThan(LIMIT_MS)
    expect(isWhole).toBe(false)
  }
}

test('a removal ends what the member receives within two seconds, and a restart does not let it in again', async () => {
  seed.setMaxUp(1024 * 1024)
  const fetching = await start('bob', bob)
  const held = await grantTo('bob-program', bob)
  const cydHeld = await grantTo('cyd-program', cyd)
  const ended = download(fetching, 'file', 'bob-copy').then(
    () => null,
    (error: Error) => error,
  )
  const answer = await ask(seed, held, filePath(FILE.fileId))
  const stream = await ask(seed, held, havePath(FILE.fileId))
  const others = await ask(seed, cydHeld, filePath(FILE.fileId))
  await until(async () => ((await fetching.status()).downloads[0]?.done ?? 0) > 0, 20_000)

  await ada.kick(GROUP, ['bob'])
  const kicked = performance.now()
  await withinLimit([answer, stream], kicked)
  expect(await ended).toMatchObject({ code: 'NOT_A_MEMBER' })

  seed.setMaxUp(0)
  await until(() => others.endedAt !== null, 20_000)
  expect(others.isWhole).toBe(true)
  expect(Buffer.concat(others.body).equals(FILE.data)).toBe(true)
  expect(await ask(seed, held, filePath(FILE.fileId))).toMatchObject({ status: 403 })

  // Both grants are from before the restart, and have minutes to live.
  await seed.stop()
  seed = await start('ada', ada)
  const again = performance.now()
  const [refused, served] = await Promise.all([
    ask(seed, held, filePath(FILE.fileId)),
    ask(seed, cydHeld, filePath(FILE.fileId)),
  ])
  expect(performance.now() - again).toBeLessThan(LIMIT_MS)
  expect(refused.status).toBe(403)
  expect(Buffer.concat(refused.body).toString()).toContain('GRANT_INVALID')
  expect(served.status).toBe(200)
}, 60_000)

test('a peer that starts and reaches no tracker refuses all grants from before its start', async () => {
  const held = await grantTo('cyd-program', cyd)
  await seed.stop()
  const away = new TrackerClient({ trackers: ['http://127.0.0.1:1'], token: ada.token })
  const alone = await start('ada', away)
  expect(await ask(alone, held, filePath(FILE.fileId))).toMatchObject({ status: 403 })
  await alone.stop()
  seed = await start('ada', ada)
  expect(await ask(seed, held, filePath(FILE.fileId))).toMatchObject({ status: 200 })
}, 30_000)

test('the removal of a file ends its answers within two seconds, and those of another file go on', async () => {
  seed.setMaxUp(512 * 1024)
  const gone = content(4 * 1024 * 1024, 5)
  await share(seed, gone.data, 'gone')
  const answer = await ask(seed, await grantTo('cyd-program', cyd, gone.fileId), filePath(gone.fileId))
  const other = await ask(seed, await grantTo('cyd-program', cyd), filePath(FILE.fileId))
  await ada.removeFile(GROUP, 'gone')
  await withinLimit([answer], performance.now())
  expect(other.endedAt).toBeNull()
  seed.setMaxUp(0)
  await until(() => other.isWhole, 20_000)
}, 30_000)

test('the removal of a file ends the answers of its older versions too', async () => {
  seed.setMaxUp(512 * 1024)
  const old = content(4 * 1024 * 1024, 6)
  await share(seed, old.data, 'versioned')
  await share(seed, content(1024, 7).data, 'versioned', 'versioned-2')
  const answer = await ask(seed, await grantTo('cyd-program', cyd, old.fileId), filePath(old.fileId))
  await ada.removeFile(GROUP, 'versioned')
  await withinLimit([answer], performance.now())
  seed.setMaxUp(0)
}, 30_000)

test('a peer whose own user leaves the group stops serving its files within two seconds', async () => {
  const dan = await fleet.user('dan')
  await dan.requestJoin(GROUP)
  await ada.accept(GROUP, ['dan'])
  const leaver = await start('dan', dan)
  const mine = content(4 * 1024 * 1024, 7)
  await share(leaver, mine.data, 'of-dan')
  leaver.setMaxUp(512 * 1024)
  const held = await grantTo('cyd-program', cyd, mine.fileId)
  const answer = await ask(leaver, held, filePath(mine.fileId))
  await dan.leave(GROUP)
  await withinLimit([answer], performance.now())
  expect(await ask(leaver, held, filePath(mine.fileId))).toMatchObject({ status: 403 })
}, 30_000)

test('the event stream of a removed member ends within two seconds, on whichever replica, with its removal', async () => {
  const eve = await fleet.user('eve')
  await eve.requestJoin(GROUP)
  await ada.accept(GROUP, ['eve'])
  const streams = await Promise.all(
    fleet.trackers.map(async ({ url }) => {
      const headers = { authorization: `Bearer ${eve.token}` }
      const response = await fetch(`${url}/v1/groups/${GROUP}/events`, { headers })
      expect(response.status).toBe(200)
      return { ended: response.text().then((text) => ({ text, at: performance.now() })) }
    }),
  )
  await ada.kick(GROUP, ['eve'])
  const kicked = performance.now()
  for (const { text, at } of await Promise.all(streams.map(({ ended }) => ended))) {
    expect(at - kicked).toBeLessThan(LIMIT_MS)
    expect(text.trim().split('\n').at(-1)).toContain('"member.kicked"')
  }
}, 30_000)

test('a removed member who takes nothing in is cut off within two seconds too', async () => {
  const [owner, deaf] = [await fleet.user('owner'), await fleet.user('deaf')]
  await owner.createGroup('loud')
  await deaf.requestJoin('loud')
  await owner.accept('loud', ['deaf'])
  let reply: ServerResponse | null = null
  const watch = (message: unknown): void => {
    const { request: asked, response } = message as { request: IncomingMessage; response: ServerResponse }
    if (asked.url?.includes('loud/events')) reply = response
  }
  subscribe('http.server.request.start', watch)
  const { hostname, port } = new URL(fleet.url)
  const reader = connect(Number(port), hostname).pause()
  try {
    reader.write(
      `GET /v1/groups/loud/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${deaf.token}\r\n\r\n`,
    )
    const { fileId, size, hashes } = content(1)
    const long = Array(3).fill('x'.repeat(250)).join('/')
    for (let batch = 0; reply === null || !(reply as ServerResponse).writableNeedDrain; batch++) {
      const names = Array.from({ length: 100 }, (_, i) => `${batch}-${i}/${long}`)
      const files = names.map((name) => ({ name, fileId, size, hashes: hashes.toString('base64') }))
      await owner.publish('loud', files)
    }
    await owner.kick('loud', ['deaf'])
    await until(() => reply!.destroyed, LIMIT_MS)
  } finally {
    unsubscribe('http.server.request.start', watch)
    reader.destroy()
  }
}, 30_000)

test('answers that outlive their grants are cut, and the download goes on by itself to its end', async () => {
  // Grants of two seconds, by a clock so far behind that peers take them for two or three seconds.
  const grants: GrantOptions = { lifetimeS: 2, now: () => Date.now() - 29_000 }
  const options = { listen: { host: '127.0.0.1', port: 0 }, redis: fleet.redis.url, dataFolder: folder }
  const tracker = await startTracker({ ...options, log: 'silent', grants })
  fleet.trackers.push(tracker)
  seed.setMaxUp(320 * 1024)
  const slow = content(5 * CHUNK_SIZE, 11)
  await share(seed, slow.data, 'slow')
  const client = new TrackerClient({ trackers: [tracker.url], token: cyd.token })
  const fetching = await start('cyd', client)
  warnings.length = 0
  const { bytesFetched, path } = await download(fetching, 'slow', 'slow-copy')
  expect((await readFile(path)).equals(slow.data)).toBe(true)
  // Of what was cut only the chunks in flight come again, and those are not counted.
  expect(bytesFetched).toBe(slow.size)
  expect(warnings.filter((line) => line.includes('the grant ended')).length).toBeGreaterThan(0)
  expect(warnings.join('\n')).not.toContain('is banned')
}, 60_000)
