import type { Socket } from 'node:net'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import {
  type Answer,
  bodyOf,
  expectOnlyTruth,
  FetchFixture,
  SIZE,
} from '../../../support/peer/fetch-fixture.ts'
import { headFor, type RawRequest } from '../../../support/peer/raw-server.ts'

const fixture = new FetchFixture()
beforeEach(() => fixture.open())
afterEach(() => fixture.close())
afterAll(() => fixture.pool.close())

const flipped = (data: Buffer, at: number): Buffer => {
  const copy = Buffer.from(data)
  copy[at]! ^= 1
  return copy
}
const say = (text: string) => (_: RawRequest, socket: Socket) => void socket.write(text)
const json = (code: string, status: number) => (_: RawRequest, socket: Socket) => {
  const text = JSON.stringify({ error: { code, message: 'so it is' } })
  socket.write(`HTTP/1.1 ${status} No\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
}

const LIES: [string, string, number, Answer][] = [
  [
    'a wrong byte in the third chunk',
    'HASH_MISMATCH',
    2,
    (r, s) => s.write(headFor(r, SIZE)) && s.write(flipped(bodyOf(r), 2 * CHUNK_SIZE + 5)),
  ],
  [
    'a wrong last byte',
    'HASH_MISMATCH',
    3,
    (r, s) => s.write(headFor(r, SIZE)) && s.write(flipped(bodyOf(r), SIZE - 1)),
  ],
  [
    'chunks in another order',
    'HASH_MISMATCH',
    0,
    (r, s) =>
      s.write(headFor(r, SIZE)) &&
      s.write(bodyOf(r).subarray(CHUNK_SIZE)) &&
      s.write(bodyOf(r).subarray(0, CHUNK_SIZE)),
  ],
  ['zeros', 'HASH_MISMATCH', 0, (r, s) => void s.write(headFor(r, SIZE) + '\0'.repeat(CHUNK_SIZE))],
  [
    'unrequested bytes after the body',
    'PEER_BAD_ANSWER',
    4,
    (r, s) => s.write(headFor(r, SIZE)) && s.write(bodyOf(r)) && s.write('HTTP/1.1 206 More\r\n'),
  ],
  [
    'another range',
    'PEER_BAD_ANSWER',
    0,
    (r, s) => void s.write(headFor(r, SIZE, { 'content-range': `bytes 1-${SIZE}/${SIZE}` })),
  ],
  ['another size', 'PEER_BAD_ANSWER', 0, (r, s) => void s.write(headFor(r, SIZE + 1))],
  [
    'a longer body',
    'PEER_BAD_ANSWER',
    0,
    (r, s) => void s.write(headFor(r, SIZE, { 'content-length': SIZE + 1 })),
  ],
  [
    'a shorter body',
    'PEER_BAD_ANSWER',
    0,
    (r, s) => void s.write(headFor(r, SIZE, { 'content-length': SIZE - 1 })),
  ],
  [
    'no content-range',
    'PEER_BAD_ANSWER',
    0,
    (r, s) => void s.write(headFor(r, SIZE, { 'content-range': null })),
  ],
  ['no length', 'PEER_BAD_ANSWER', 0, (r, s) => void s.write(headFor(r, SIZE, { 'content-length': null }))],
  [
    'a chunked encoding',
    'PEER_BAD_ANSWER',
    0,
    (r, s) => void s.write(headFor(r, SIZE, { 'transfer-encoding': 'chunked' })),
  ],
  ['two lengths', 'PEER_BAD_ANSWER', 0, (r, s) => void s.write(headFor(r, SIZE, { 'Content-Length': 5 }))],
  [
    '200 with the whole file',
    'PEER_BAD_ANSWER',
    0,
    (r, s) => s.write(headFor(r, SIZE, {}, 'HTTP/1.1 200 OK')) && s.write(bodyOf(r)),
  ],
  ['100 Continue', 'PEER_BAD_ANSWER', 0, say('HTTP/1.1 100 Continue\r\n\r\n')],
  [
    'a redirect',
    'PEER_BAD_ANSWER',
    0,
    say('HTTP/1.1 302 Found\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n'),
  ],
  ['HTTP/1.0', 'PEER_BAD_ANSWER', 0, say('HTTP/1.0 206 OK\r\ncontent-length: 1\r\n\r\nx')],
  ['garbage', 'PEER_BAD_ANSWER', 0, say('\x16\x03\x01\x02\x00\r\n\r\n')],
  ['a head without end', 'PEER_BAD_ANSWER', 0, say(`HTTP/1.1 206 OK\r\n${'x: y\r\n'.repeat(4000)}`)],
  ['a huge error body', 'PEER_BAD_ANSWER', 0, say('HTTP/1.1 500 No\r\ncontent-length: 99999999\r\n\r\n')],
  ['an error that is not JSON', 'PEER_BAD_ANSWER', 0, say('HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno')],
  ['an empty error', 'PEER_BAD_ANSWER', 0, say('HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n')],
  ['a refused grant', 'GRANT_INVALID', 0, json('GRANT_INVALID', 403)],
  ['CHUNK_NOT_HELD', 'CHUNK_NOT_HELD', 0, json('CHUNK_NOT_HELD', 404)],
  ['NO_SPACE', 'NO_PEER', 0, json('NO_SPACE', 507)],
  ['FILE_CHANGED', 'NO_PEER', 0, json('FILE_CHANGED', 410)],
]

test.each(LIES)('an answer with %s is %s, and no wrong byte is written', async (_, code, right, answer) => {
  const outcome = await fixture.fetch(await fixture.serve(answer))
  // A complete extent before the fault stays valid; only the connection ends.
  expect(outcome.error?.code ?? null).toBe(right === 4 ? null : code)
  expect(outcome.chunks).toHaveLength(right)
  expectOnlyTruth(outcome)
})
