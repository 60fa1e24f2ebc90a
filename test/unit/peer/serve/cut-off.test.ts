import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { CLOCK_TOLERANCE_S, type GrantClaims } from '../../../../protocol/grants.ts'
import { ASKED_HEADER, filePath, havePath } from '../../../../protocol/peer-wire.ts'
import { until } from '../../../../testkit/until.ts'
import { content } from '../../../support/peer/content.ts'
import { seconds } from '../../../support/peer/grants.ts'
import { ServeFixture } from '../../../support/peer/serve-fixture.ts'

// More than the system buffers of a connection on loopback.
const FILE = content(64 * CHUNK_SIZE)
const fixture = new ServeFixture()
beforeAll(async () => {
  await fixture.open()
  await fixture.share(FILE, 'file.bin')
})
beforeEach(() => {
  fixture.memberships.sync('team', ['ann', 'bob'], seconds())
  fixture.memberships.published('team', FILE.fileId)
  fixture.limit.setRate(CHUNK_SIZE)
})
afterAll(() => fixture.close())

interface Asked {
  socket: TLSSocket
  bytes(): number
  isClosed(): boolean
}

/** A request on its own connection that has received something. */
async function ask(path: string, claims: Partial<GrantClaims>, headers = ''): Promise<Asked> {
  const socket = await fixture.connect()
  const grant = await fixture.keys.sign(FILE.fileId, fixture.client.peer, claims)
  let bytes = 0
  socket.on('data', (part: Buffer) => {
    bytes += part.length
  })
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${grant}\r\n${headers}\r\n`)
  await until(() => bytes > 0)
  return { socket, bytes: () => bytes, isClosed: () => socket.closed }
}

test("removing a member cuts its answers, have-streams and idle connections, and nobody else's", async () => {
  const answer = await ask(filePath(FILE.fileId), { sub: 'bob' })
  const stream = await ask(havePath(FILE.fileId), { sub: 'bob' }, `${ASKED_HEADER}: 1\r\n`)
  const idle = await ask(havePath(FILE.fileId), { sub: 'bob' })
  const other = await ask(filePath(FILE.fileId), { sub: 'ann' })
  fixture.memberships.removed('team', ['bob'], seconds())
  await until(() => answer.isClosed() && stream.isClosed() && idle.isClosed(), 2000)
  expect(answer.bytes()).toBeLessThan(FILE.size)
  fixture.limit.setRate(0)
  await until(() => other.bytes() > FILE.size)
  other.socket.destroy()
})

test('an answer and a have-stream are cut when their grant expires', async () => {
  const exp = seconds() - CLOCK_TOLERANCE_S + 2
  const claims = { iat: exp - 200, exp }
  const answer = await ask(filePath(FILE.fileId), claims)
  const stream = await ask(havePath(FILE.fileId), claims, `${ASKED_HEADER}: 1\r\n`)
  const other = await ask(filePath(FILE.fileId), {})
  await until(() => answer.isClosed() && stream.isClosed(), 5000)
  expect(seconds()).toBeGreaterThanOrEqual(exp + CLOCK_TOLERANCE_S)
  expect(other.isClosed()).toBe(false)
  other.socket.destroy()
})

test('removing a file cuts its answers and keeps idle connections', async () => {
  const answer = await ask(filePath(FILE.fileId), {})
  const idle = await ask(havePath(FILE.fileId), {})
  fixture.memberships.withdrawn('team', FILE.fileId, seconds())
  await until(answer.isClosed, 2000)
  expect(idle.isClosed()).toBe(false)
  idle.socket.destroy()
})

test('a removed member that reads slowly does not get the data in flight', async () => {
  fixture.limit.setRate(0)
  const answer = await ask(filePath(FILE.fileId), { sub: 'bob' })
  answer.socket.pause()
  const failed = once(answer.socket, 'error').then(([error]) => error as NodeJS.ErrnoException)
  fixture.memberships.removed('team', ['bob'], seconds())
  answer.socket.resume()
  expect((await failed).code).toBe('ECONNRESET')
  expect(answer.bytes()).toBeLessThan(FILE.size)
})
