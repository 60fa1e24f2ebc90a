import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { until } from '../../../../testkit/until.ts'
import {
  bodyOf,
  expectOnlyTruth,
  FetchFixture,
  FILE,
  honest,
  SIZE,
} from '../../../support/peer/fetch-fixture.ts'
import { headFor } from '../../../support/peer/raw-server.ts'

const fixture = new FetchFixture()
beforeEach(() => fixture.open())
afterEach(() => fixture.close())
afterAll(() => fixture.pool.close())

test('valid answers are accepted chunk by chunk, and requests are valid HTTP', async () => {
  const outcome = await fixture.fetch(await fixture.serve(honest))
  expect(outcome).toMatchObject({ error: null, chunks: [0, 1, 2, 3] })
  expect(outcome.file.equals(FILE.data)).toBe(true)
  const head = fixture.servers[0]?.requests[0]?.head ?? ''
  expect(head.split('\r\n')).toEqual([
    `GET /v1/files/${FILE.fileId} HTTP/1.1`,
    expect.stringMatching(/^Host: /),
    'Authorization: Bearer g',
    `Range: bytes=0-${SIZE - 1}`,
    'shoal-peer-port: 4711',
  ])
})

test('an answer split at any boundary is parsed the same', async () => {
  const peer = await fixture.serve((request, socket) => {
    socket.setNoDelay(true)
    const whole = Buffer.concat([Buffer.from(headFor(request, SIZE)), bodyOf(request)])
    const body = whole.length - SIZE
    const cuts = [
      1,
      2,
      3,
      17,
      body - 2,
      body - 1,
      body,
      body + 1,
      body + CHUNK_SIZE,
      body + CHUNK_SIZE + 1,
      whole.length,
    ]
    const next = (from: number): void => {
      const to = cuts.find((cut) => cut > from)
      if (to !== undefined) socket.write(whole.subarray(from, to), () => setImmediate(next, to))
    }
    next(0)
  })
  const outcome = await fixture.fetch(peer)
  expect(outcome.error).toBeNull()
  expect(outcome.file.equals(FILE.data)).toBe(true)
})

test('extents from one peer share its connections, and a refused one does not affect the others', async () => {
  const peer = await fixture.serve((request, socket) => {
    if (request.start !== CHUNK_SIZE) return honest(request, socket)
    const text = JSON.stringify({ error: { code: 'CHUNK_NOT_HELD', message: 'not here' } })
    socket.write(`HTTP/1.1 404 No\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
  })
  const all = await Promise.all([0, 1, 2, 3].map((first) => fixture.fetch(peer, { first, count: 1 })))
  expect(all.map(({ error }) => error?.code ?? null)).toEqual([null, 'CHUNK_NOT_HELD', null, null])
  expect(fixture.servers[0]?.connections).toBeLessThan(4)
})

test('connection: close is obeyed, and requests queued behind it fail', async () => {
  const peer = await fixture.serve((request, socket) => {
    socket.write(headFor(request, SIZE, { connection: 'close' }))
    socket.end(bodyOf(request))
  })
  const outcome = await fixture.fetch(peer)
  expect(outcome.error).toBeNull()
  expect((await fixture.fetch(peer)).error).toBeNull()
})

test.each([0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, 2 * CHUNK_SIZE + 3, SIZE - 1])(
  'if a peer closes after %i bytes of body, the complete chunks before are kept',
  async (length) => {
    const peer = await fixture.serve((request, socket) => {
      socket.write(headFor(request, SIZE))
      socket.end(bodyOf(request).subarray(0, length))
    })
    const outcome = await fixture.fetch(peer)
    expect(outcome.error).toBeInstanceOf(Error)
    expect(outcome.chunks).toHaveLength(Math.floor(length / CHUNK_SIZE))
    expectOnlyTruth(outcome)
  },
)

test('a reset connection and an unreachable peer fail at once', async () => {
  const peer = await fixture.serve((_, socket) => void socket.resetAndDestroy())
  const reset = await fixture.fetch(peer)
  expect(reset.error).toBeInstanceOf(Error)
  expectOnlyTruth(reset)
  await fixture.servers.pop()?.close()
  expect((await fixture.fetch(peer)).error).toMatchObject({ code: 'ECONNREFUSED' })
})

test('a peer that stalls in the middle of a chunk is dropped after three seconds', async () => {
  const peer = await fixture.serve((request, socket) => {
    socket.write(headFor(request, SIZE))
    socket.write(bodyOf(request).subarray(0, CHUNK_SIZE + 99))
  })
  const started = performance.now()
  const outcome = await fixture.fetch(peer)
  expect(outcome.error).toMatchObject({ code: 'NO_PEER' })
  expect(performance.now() - started).toBeGreaterThan(2900)
  expect(performance.now() - started).toBeLessThan(5000)
  expect(outcome.chunks).toEqual([0])
  expectOnlyTruth(outcome)
})

test("a part file that cannot be written is a storage error, not the peer's fault", async () => {
  closeSync(fixture.fd)
  fixture.fd = openSync(fixture.path, 'r')
  const outcome = await fixture.fetch(await fixture.serve(honest))
  expect(outcome.error).toMatchObject({ kind: 'storage' })
  expect(fstatSync(fixture.fd).size).toBe(0)
})

test('a cancelled fetch writes nothing after it has rejected, although its answer continues', async () => {
  const half = 2 * CHUNK_SIZE + 50
  const goOn: (() => void)[] = []
  const busy = new Set<Socket>()
  const peer = await fixture.serve((request, socket) => {
    if (busy.has(socket)) return void goOn.push(() => honest(request, socket))
    busy.add(socket)
    socket.write(headFor(request, SIZE))
    socket.write(bodyOf(request).subarray(0, half))
    goOn.push(() => void socket.write(bodyOf(request).subarray(half)))
  })
  const abort = new AbortController()
  const cancelled = fixture.fetch(peer, undefined, abort.signal)
  await until(() => fstatSync(fixture.fd).size === 2 * CHUNK_SIZE)
  // More fetches than threads, so that one queues behind the cancelled answer and keeps its connection open.
  const fd = openSync(join(fixture.folder, 'other'), 'w+')
  const never = new AbortController().signal
  const others = Array.from({ length: 3 }, () =>
    fixture.pool.fetch(
      { ...fixture.request(peer), fd, path: join(fixture.folder, 'other') },
      () => {},
      never,
    ),
  )
  await until(() => goOn.length === 4)
  abort.abort()
  const outcome = await cancelled
  expect(outcome.error).toMatchObject({ code: 'ABORT_ERR' })
  expectOnlyTruth(outcome)
  ftruncateSync(fixture.fd, 0)
  for (const answer of goOn) answer()
  await Promise.all(others)
  expect(fstatSync(fixture.fd).size).toBe(0)
  expect(readFileSync(fd)).toHaveLength(SIZE)
  closeSync(fd)
})

test('a connection without pending fetches is closed', async () => {
  const peer = await fixture.serve((request, socket) => void socket.write(headFor(request, SIZE)))
  const abort = new AbortController()
  const cancelled = fixture.fetch(peer, undefined, abort.signal)
  await until(() => fixture.servers[0]?.requests.length === 1)
  abort.abort()
  expect((await cancelled).error).toMatchObject({ code: 'ABORT_ERR' })
  await until(() => fixture.servers[0]?.connections === 0)
})

test('a full disk fails only its own extent; another file arrives over the same connection', async () => {
  const peer = await fixture.serve(honest)
  const full = openSync('/dev/full', 'r+')
  const never = new AbortController().signal
  try {
    const first = fixture.pool.fetch(
      { ...fixture.request(peer), fd: full, path: '/dev/full' },
      () => {},
      never,
    )
    const [refused, other] = await Promise.all([first.catch((error: Error) => error), fixture.fetch(peer)])
    expect(refused).toMatchObject({ code: 'NO_SPACE', message: '/dev/full: no space left on device' })
    expect(other.error).toBeNull()
    expect(other.chunks).toEqual([0, 1, 2, 3])
    expect(fixture.servers[0]?.requests).toHaveLength(2)
  } finally {
    closeSync(full)
  }
})
