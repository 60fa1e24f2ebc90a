import { randomBytes } from 'node:crypto'
import { clientRequest } from '../../../../testkit/http.ts'
import { readPlainRequest } from '../../../../tracker/front/plain-request.ts'

const PEER = randomBytes(32).toString('hex')
const HEARTBEAT = `/v1/announce/${PEER}/1790000000000`
const HOST = 'Host: tracker:8080\r\n'
const AUTHORIZATION = 'authorization: Bearer shoal_ann.secret\r\n'

const read = (text: string) => readPlainRequest(Buffer.from(text, 'latin1'))
const heartbeat = (headers: string, target = HEARTBEAT) => `POST ${target} HTTP/1.1\r\n${headers}\r\n`
const announce = (body: string, headers = `content-length: ${body.length}\r\n`, type = 'application/json') =>
  `POST /v1/announce HTTP/1.1\r\n${HOST}${AUTHORIZATION}content-type: ${type}\r\n${headers}\r\n${body}`

test('heartbeats and announces are parsed as Shoal’s clients write them', () => {
  const own = { authorization: 'Bearer shoal_ann.secret' }
  expect(read(clientRequest('http://tracker:8080', 'POST', HEARTBEAT, own))).toEqual({
    target: HEARTBEAT,
    authorization: 'Bearer shoal_ann.secret',
    body: '',
  })
  const text = JSON.stringify({ peer: PEER, files: [] })
  const body = { text, length: text.length }
  expect(read(clientRequest('http://tracker:8080', 'POST', '/v1/announce', own, body))).toEqual({
    target: '/v1/announce',
    authorization: 'Bearer shoal_ann.secret',
    body: text,
  })
  expect(read(heartbeat(`${HOST}${AUTHORIZATION}Accept: */*\r\nUser-Agent: curl/8\r\n`))).not.toBeNull()
})

const whole = heartbeat(HOST + AUTHORIZATION)
const STRANGE: Record<string, string> = {
  'part of a request': whole.slice(0, -1),
  'the first byte of a request': 'P',
  'more than one request': whole + whole,
  'a request after a blank line': `\r\n${whole}`,
  'another method': whole.replace('POST', 'GET'),
  'a method with the same prefix': whole.replace('POST', 'POSTS'),
  'another version': whole.replace('HTTP/1.1', 'HTTP/1.0'),
  'another route': whole.replace('/v1/announce', '/v1/groups'),
  'an absolute target': whole.replace('/v1', 'http://tracker/v1'),
  'a query': whole.replace(' HTTP/1.1', '?a=b HTTP/1.1'),
  'an escaped target': whole.replace('/v1', '/%761'),
  'an id in capitals': whole.replace(PEER, PEER.replace(/./, 'A')),
  'a negative sequence': whole.replace('/1790', '/-1790'),
  'no host': heartbeat(AUTHORIZATION),
  'two hosts': heartbeat(HOST + HOST + AUTHORIZATION),
  'no session': heartbeat(HOST),
  'two sessions': heartbeat(HOST + AUTHORIZATION + AUTHORIZATION),
  'a connection that is to be closed': heartbeat(`${HOST}${AUTHORIZATION}Connection: close\r\n`),
  'an upgrade': heartbeat(`${HOST}${AUTHORIZATION}Connection: upgrade\r\nUpgrade: h2c\r\n`),
  'an expectation': heartbeat(`${HOST}${AUTHORIZATION}Expect: 100-continue\r\n`),
  'an unknown header': heartbeat(`${HOST}${AUTHORIZATION}X-Forwarded-For: 10.0.0.1\r\n`),
  'a chunked body': announce('2\r\n{}\r\n0\r\n\r\n', 'transfer-encoding: chunked\r\n'),
  'both framings': announce('{}', 'content-length: 2\r\ntransfer-encoding: chunked\r\n'),
  'two lengths': announce('{}', 'content-length: 2\r\ncontent-length: 2\r\n'),
  'a length with a sign': announce('{}', 'content-length: +2\r\n'),
  'a length with a leading zero': announce('{}', 'content-length: 02\r\n'),
  'a body shorter than its length': announce('{}', 'content-length: 3\r\n'),
  'a body longer than its length': announce('{}', 'content-length: 1\r\n'),
  'a body without a length': announce('{}', ''),
  'a body of another type': announce('{}', undefined, 'text/plain'),
  'a compressed body': announce('{}', 'content-length: 2\r\ncontent-encoding: gzip\r\n'),
  'a line that ends with a bare LF': whole.replace('8080\r\n', '8080\n'),
  'an LF within a value': heartbeat(`${HOST}${AUTHORIZATION}Accept: a\nTransfer-Encoding: chunked\r\n`),
  'a CR within a value': heartbeat(`${HOST}${AUTHORIZATION}Accept: a\rb\r\n`),
  'a NUL within a value': heartbeat(`${HOST}${AUTHORIZATION}Accept: a\0b\r\n`),
  'a folded line': heartbeat(`${HOST}${AUTHORIZATION}Accept: a\r\n b\r\n`),
  'a space before the colon': heartbeat(`${HOST}${AUTHORIZATION.replace(':', ' :')}`),
  'a TLS client': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
}

test.each(Object.entries(STRANGE))('%s is left to the server', (_, text) => {
  expect(read(text)).toBeNull()
})

test('replacing any one byte of a head never turns it into another request', () => {
  const bytes = Buffer.from(whole, 'latin1')
  const first = readPlainRequest(bytes)
  for (let at = 0; at < bytes.length; at++)
    for (const byte of [0, 9, 10, 13, 32, 58, 0x80, 0xff]) {
      const other = Buffer.from(bytes)
      other[at] = byte
      const got = readPlainRequest(other)
      if (got === null || other.equals(bytes)) continue
      // The only bytes that may change are inside a value.
      const inValue = /^(Host: |authorization: )/.test(lineAt(whole, at))
      expect([at, byte, inValue, got.target]).toEqual([at, byte, true, first?.target])
    }
})

function lineAt(text: string, at: number): string {
  const begin = text.lastIndexOf('\r\n', at) + 2
  return text.slice(begin, at)
}
