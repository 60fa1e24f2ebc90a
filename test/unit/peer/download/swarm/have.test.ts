import fc from 'fast-check'
import { PartFile } from '../../../../../peer/download/disk/part-file.ts'
import { PartialFile } from '../../../../../peer/download/disk/partial-file.ts'
import { followHave, HaveReader } from '../../../../../peer/download/swarm/have-client.ts'
import { Bitmap } from '../../../../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import type { PeerAddress } from '../../../../../protocol/records.ts'
import { until } from '../../../../../testkit/until.ts'
import { type Content, content } from '../../../../support/peer/content.ts'
import { headFor, RawServer } from '../../../../support/peer/raw-server.ts'
import { ServeFixture } from '../../../../support/peer/serve-fixture.ts'

const FILE = content(9 * CHUNK_SIZE + 5)
const CHUNKS = 10
const fixture = new ServeFixture()
let part: PartFile
let partial: PartialFile
let have: Bitmap

beforeAll(() => fixture.open())
afterAll(() => fixture.close())
beforeEach(async () => {
  ;[part] = await PartFile.open(`${fixture.folder}/file`, FILE.fileId, FILE.size)
  have = new Bitmap(CHUNKS)
  for (const chunk of [0, 1, 9]) have.add(chunk)
  partial = new PartialFile(
    { group: 'team', fileId: FILE.fileId, size: FILE.size },
    have,
    () => FILE.hashes,
    part,
  )
  fixture.library.set(partial)
})
afterEach(async () => {
  fixture.library.delete(partial)
  await part.seal()
})

/** Follows the peer's stream and records it in `told`. */
async function follow(
  signal = new AbortController().signal,
  changes: { target?: PeerAddress; grant?: string; asked?: boolean; file?: Content } = {},
): Promise<{ told: string[]; ended: Promise<void> }> {
  const told: string[] = []
  const { self, client, server } = fixture
  const { asked = false, file = FILE } = changes
  const target = changes.target ?? { peer: self.peer, host: '127.0.0.1', port: server.port, tls: true }
  const grant = changes.grant ?? (await fixture.grantFor(file))
  const use = { fileId: file.fileId, chunks: CHUNKS, grant, credentials: client, ownPort: 4711, asked }
  const listener = {
    onBitmap: (bitmap: Bitmap) => told.push(`has ${[...Array(CHUNKS).keys()].filter((i) => bitmap.has(i))}`),
    onChunk: (chunk: number) => told.push(`got ${chunk}`),
    onPending: (chunk: number) => told.push(`awaits ${chunk}`),
  }
  const ended = followHave(target, use, listener, signal)
  ended.catch(() => {})
  return { told, ended }
}

function receive(chunk: number): void {
  have.add(chunk)
  partial.tell(chunk, false)
}

test('a have-stream lists held chunks, then each new or pending chunk, and ends when the file is complete', async () => {
  const { told, ended } = await follow()
  await until(() => told.length === 1)
  partial.tell(4, true)
  receive(4)
  await until(() => told.length === 3)
  for (let chunk = 0; chunk < CHUNKS; chunk++) if (!have.has(chunk)) receive(chunk)
  await ended
  expect(told).toEqual([
    'has 0,1,9',
    'awaits 4',
    'got 4',
    'got 2',
    'got 3',
    'got 5',
    'got 6',
    'got 7',
    'got 8',
  ])
})

test('the have-stream of a complete peer ends at once', async () => {
  const whole = content(3 * CHUNK_SIZE, 5)
  await fixture.share(whole, 'whole')
  const answer = await fixture.ask(whole, { path: `/v1/files/${whole.fileId}/have` })
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/vnd.shoal.have' } })
  expect([...answer.body]).toEqual([0, 0, 0, 3, 0b1110_0000])
})

test('a complete peer reports requested chunks to followers that want them, except for requests larger than an extent', async () => {
  const whole = content(9 * CHUNK_SIZE + 5, 6)
  await fixture.share(whole, 'whole')
  const leave = new AbortController()
  const { told, ended } = await follow(leave.signal, { asked: true, file: whole })
  await until(() => told.length === 1)
  expect(told).toEqual(['has 0,1,2,3,4,5,6,7,8,9'])
  const chunks = (first: number, end: number): string => `bytes=${first * CHUNK_SIZE}-${end * CHUNK_SIZE - 1}`
  await fixture.ask(whole, { range: chunks(3, 5) })
  await fixture.ask(whole, { method: 'HEAD', range: chunks(6, 7) })
  await fixture.ask(whole, { range: chunks(8, 9) })
  await until(() => told.length === 4)
  expect(told.slice(1)).toEqual(['awaits 3', 'awaits 4', 'awaits 8'])
  leave.abort()
  await ended
})

test('many can follow one download, and one that leaves gets no more', async () => {
  const leave = new AbortController()
  const [stays, leaves] = [await follow(), await follow(leave.signal)]
  await until(() => stays.told.length === 1 && leaves.told.length === 1)
  leave.abort()
  await leaves.ended
  receive(5)
  await until(() => stays.told.length === 2)
  expect(leaves.told).toHaveLength(1)
})

test('a follower that leaves before it starts leaves nothing behind', async () => {
  const { told, ended } = await follow(AbortSignal.abort())
  await ended
  expect(told).toEqual([])
})

test('a peer serves the chunks that it holds and no others', async () => {
  await part.write(FILE.data.subarray(9 * CHUNK_SIZE), 9)
  const last = await fixture.ask(FILE, { range: `bytes=${9 * CHUNK_SIZE}-` })
  expect(last.body.equals(FILE.data.subarray(9 * CHUNK_SIZE))).toBe(true)
  for (const range of [`bytes=${8 * CHUNK_SIZE}-`, `bytes=${2 * CHUNK_SIZE - 1}-${2 * CHUNK_SIZE}`])
    expect(await fixture.ask(FILE, { range })).toMatchObject({ status: 404, code: 'CHUNK_NOT_HELD' })
})

test('a refused grant is distinguished from a malformed answer', async () => {
  const stale = await fixture.keys.sign(FILE.fileId, fixture.client.peer, { grp: 'strangers' })
  const { ended } = await follow(undefined, { grant: stale })
  await expect(ended).rejects.toMatchObject({ code: 'GRANT_INVALID' })
})

test('a peer that proves another identity gets no request', async () => {
  const target = { peer: 'ab'.repeat(32), host: '127.0.0.1', port: fixture.server.port, tls: true }
  await expect((await follow(undefined, { target })).ended).rejects.toMatchObject({ code: 'PEER_BAD_ANSWER' })
})

const bitmapOf = (count: number, ...bytes: number[]): Buffer => Buffer.from([0, 0, 0, count, ...bytes])
test.each([
  ['of another file', bitmapOf(11, 0, 0)],
  ['that is truncated', bitmapOf(CHUNKS, 0)],
  ['with a torn record', Buffer.concat([bitmapOf(CHUNKS, 0, 0), Buffer.from([0, 0])])],
  ['with a chunk past the end', Buffer.concat([bitmapOf(CHUNKS, 0, 0), Buffer.from([0, 0, 0, CHUNKS])])],
  [
    'with a pending chunk past the end',
    Buffer.concat([bitmapOf(CHUNKS, 0, 0), Buffer.from([128, 0, 0, 99])]),
  ],
])('a have-stream %s is PEER_BAD_ANSWER', async (_, body) => {
  const server = await RawServer.start((request, socket) => {
    const headers = {
      'content-type': 'application/vnd.shoal.have',
      'content-length': body.length,
      'content-range': null,
    }
    socket.write(headFor(request, 0, headers, 'HTTP/1.1 200 OK'))
    socket.write(body)
  })
  try {
    const { ended } = await follow(undefined, { target: server.address })
    await expect(ended).rejects.toMatchObject({ code: 'PEER_BAD_ANSWER' })
  } finally {
    await server.close()
  }
})

test('a stream is parsed the same in any pieces', () => {
  const stream = Buffer.concat([
    bitmapOf(CHUNKS, 0b1010_0000, 0xff),
    Buffer.from([0, 0, 0, 1, 128, 0, 0, 3, 0, 0, 0, 3]),
  ])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (lengths) => {
      const told: unknown[] = []
      const reader = new HaveReader(CHUNKS, {
        onBitmap: (bitmap) => told.push(bitmap.count),
        onChunk: (chunk) => told.push(['got', chunk]),
        onPending: (chunk) => told.push(['awaits', chunk]),
      })
      for (let at = 0, i = 0; at < stream.length; i++) {
        const length = lengths[i % lengths.length]!
        reader.push(stream.subarray(at, at + length))
        at += length
      }
      reader.end()
      expect(told).toEqual([4, ['got', 1], ['awaits', 3], ['got', 3]])
    }),
  )
})
