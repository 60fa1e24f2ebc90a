import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import fc from 'fast-check'
import { ReadBuffers } from '../../../../peer/serve/read-buffers.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { merkleRoot, verifyInclusion } from '../../../../protocol/merkle.ts'
import { filePath, proofPath } from '../../../../protocol/peer-wire.ts'
import { until } from '../../../../testkit/until.ts'
import { RecordRelay } from '../../../support/faults/record-relay.ts'
import { content } from '../../../support/peer/content.ts'
import { bodiesOf, rangeRequest, ServeFixture } from '../../../support/peer/serve-fixture.ts'

const FILE = content(3 * CHUNK_SIZE + 777)
const fixture = new ServeFixture()
beforeAll(async () => {
  await fixture.open()
  await fixture.share(FILE, 'file.bin')
})
afterEach(() => expect(fixture.errors.splice(0)).toEqual([]))
afterAll(() => fixture.close())

test('any range of a file is answered with exactly its bytes', async () => {
  const at = fc.integer({ min: 0, max: FILE.size - 1 })
  const property = fc.asyncProperty(at, at, async (a, b) => {
    const [first, last] = [Math.min(a, b), Math.max(a, b)]
    const answer = await fixture.ask(FILE, { range: `bytes=${first}-${last}` })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${first}-${last}/${FILE.size}`)
    expect(answer.body.equals(FILE.data.subarray(first, last + 1))).toBe(true)
  })
  await fc.assert(property, { numRuns: 25 })
})

test('the whole file, HEAD, and a suffix range are answered as HTTP requires', async () => {
  const whole = await fixture.ask(FILE)
  expect(whole).toMatchObject({
    status: 200,
    headers: { 'accept-ranges': 'bytes', 'content-length': `${FILE.size}` },
  })
  expect(whole.body.equals(FILE.data)).toBe(true)
  const head = await fixture.ask(FILE, { method: 'HEAD' })
  expect(head).toMatchObject({ status: 200, headers: { 'content-length': `${FILE.size}` } })
  expect(head.body).toHaveLength(0)
  expect((await fixture.ask(FILE, { range: 'bytes=-5' })).body.equals(FILE.data.subarray(-5))).toBe(true)
})

test.each(['bytes=9999999-', 'bytes=5-4', 'bytes=0-1,3-4', 'bytes=a-b', 'x', 'bytes=-0'])(
  '%s is 416',
  async (range) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await fixture.ask(FILE, { range, method })
      expect(answer.status).toBe(416)
      expect(answer.headers['content-range']).toBe(`bytes */${FILE.size}`)
    }
  },
)

test('an empty file is 200 without a body, and has no ranges', async () => {
  const empty = content(0)
  await fixture.share(empty, 'empty')
  expect(await fixture.ask(empty)).toMatchObject({ status: 200, headers: { 'content-length': '0' } })
  expect((await fixture.ask(empty, { range: 'bytes=0-0' })).status).toBe(416)
})

test('a proof leads from a chunk to the root of the file id', async () => {
  for (const chunk of [0, 3]) {
    const answer = await fixture.ask(FILE, { path: proofPath(FILE.fileId, chunk) })
    const { count, hash, proof } = JSON.parse(answer.body.toString()) as {
      count: number
      hash: string
      proof: string[]
    }
    const path = proof.map((node) => Buffer.from(node, 'hex'))
    expect(hash).toBe(FILE.hashes.toString('hex', chunk * 32, chunk * 32 + 32))
    expect(verifyInclusion(Buffer.from(hash, 'hex'), chunk, count, path, merkleRoot(FILE.hashes))).toBe(true)
  }
  expect(await fixture.ask(FILE, { path: proofPath(FILE.fileId, 4) })).toMatchObject({
    status: 404,
    code: 'CHUNK_NOT_HELD',
  })
})

const CHANGES: [string, (path: string) => void][] = [
  ['overwritten with the same size', (path) => writeFileSync(path, Buffer.alloc(5000, 1))],
  ['extended', (path) => appendFileSync(path, 'x')],
  ['truncated', (path) => truncateSync(path, 100)],
  ['touched', (path) => utimesSync(path, 1, 1)],
  ['removed', (path) => rmSync(path)],
  [
    'replaced by a folder',
    (path) => {
      rmSync(path)
      mkdirSync(path)
    },
  ],
]

test.each(CHANGES)('a file that was %s is no longer served, and a warning is logged', async (how, change) => {
  const mine = content(5000, how.length)
  const path = await fixture.share(mine, `changed-${how.length}`)
  expect((await fixture.ask(mine)).status).toBe(200)
  change(path)
  expect(await fixture.ask(mine)).toMatchObject({ status: 410, code: 'FILE_CHANGED' })
  expect(fixture.warnings.splice(0)).toEqual([expect.stringContaining(path)])
  expect(fixture.catalog.byFileId(mine.fileId)[0]?.fault).toMatch(/changed or removed/)
  expect(fixture.library.get(mine.fileId)).toBeUndefined()
  // From then on it is treated as a missing file.
  expect(await fixture.ask(mine)).toMatchObject({ status: 403 })
})

test('an intact copy is still served when another copy changes', async () => {
  const mine = content(6000, 21)
  const [one] = [await fixture.share(mine, 'copy-one'), await fixture.share(mine, 'copy-two', 'other')]
  rmSync(one)
  const answer = await fixture.ask(mine, {
    grant: await fixture.keys.sign(mine.fileId, fixture.client.peer, { grp: 'other' }),
  })
  expect(answer.body.equals(mine.data)).toBe(true)
  // The group of the changed copy no longer has the file.
  expect(await fixture.ask(mine)).toMatchObject({ status: 403 })
  fixture.warnings.length = 0
})

test('a file truncated while it is sent breaks the connection instead of completing the answer', async () => {
  const mine = content(60 * CHUNK_SIZE, 31)
  const path = await fixture.share(mine, 'long')
  const authorization = `Bearer ${await fixture.grantFor(mine)}`
  const { key, cert } = fixture.client
  let received = 0
  const ended = new Promise<string>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: fixture.server.port, path: filePath(mine.fileId), key, cert }
    request(
      { ...options, rejectUnauthorized: false, agent: false, headers: { authorization } },
      (response) => {
        response.once('data', (part: Buffer) => {
          received += part.length
          response.pause()
          truncateSync(path, CHUNK_SIZE)
          response.on('data', (more: Buffer) => {
            received += more.length
          })
          response.resume()
        })
        response.once('error', () => resolve('broken'))
        response.once('end', () => resolve('whole'))
      },
    )
      .once('error', reject)
      .end()
  })
  expect(await ended).toBe('broken')
  expect(received).toBeLessThan(mine.size)
})

test('only the current one of pipelined requests has the file open, and all are answered in order', async () => {
  const mine = content(20 * CHUNK_SIZE, 51)
  await fixture.share(mine, 'pipelined')
  const socket = await fixture.pipeline(mine, 4)
  await once(socket, 'readable')
  // None between the end of an answer and the start of the next.
  expect(openCopies('pipelined')).toBeLessThanOrEqual(1)
  expect((await bodiesOf(socket)).equals(mine.data)).toBe(true)
})

test('requests that arrive together while the connection is full are all answered', async () => {
  const mine = content(48 * CHUNK_SIZE, 61)
  await fixture.share(mine, 'together')
  const relay = await RecordRelay.to(fixture.server.port)
  try {
    const socket = await fixture.connect(relay.port)
    const grant = await fixture.grantFor(mine)
    const ask = (first: number, count: number): string =>
      rangeRequest(mine, grant, first * CHUNK_SIZE, (first + count) * CHUNK_SIZE)
    socket.write(ask(0, 40))
    // More than the connection takes while nobody reads, so that the server waits for it to drain.
    await once(socket, 'readable')
    relay.hold()
    for (let chunk = 40; chunk < 48; chunk++)
      await new Promise((resolve) => socket.write(ask(chunk, 1), resolve))
    await relay.release(8)
    expect((await bodiesOf(socket)).equals(mine.data)).toBe(true)
  } finally {
    relay.close()
  }
})

test('a burst of clients leaves only a few buffers behind', () => {
  const buffers = new ReadBuffers(1024, 2)
  const taken = Array.from({ length: 5 }, () => buffers.take())
  for (const buffer of taken) buffers.give(buffer)
  const again = Array.from({ length: 5 }, () => buffers.take())
  expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(2)
})

test('clients that disconnect in the middle leave nothing open', async () => {
  const mine = content(40 * CHUNK_SIZE, 41)
  await fixture.share(mine, 'abandoned')
  const authorization = `Bearer ${await fixture.grantFor(mine)}`
  const { key, cert } = fixture.client
  const options = { host: '127.0.0.1', port: fixture.server.port, path: filePath(mine.fileId), key, cert }
  for (let i = 0; i < 5; i++)
    await new Promise<void>((resolve) => {
      const client = request({
        ...options,
        rejectUnauthorized: false,
        agent: false,
        headers: { authorization },
      })
      client.once('response', (response) => response.once('data', () => response.destroy()))
      client.once('close', () => resolve()).once('error', () => {})
      client.end()
    })
  await until(() => openCopies('abandoned') === 0)
})

/** This process's descriptors of the file. */
function openCopies(name: string): number {
  const leadsTo = (fd: string): boolean => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).endsWith(name)
    } catch {
      return false
    }
  }
  return readdirSync('/proc/self/fd').filter(leadsTo).length
}
