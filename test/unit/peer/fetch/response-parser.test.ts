import fc from 'fast-check'
import { HeadCollector, type ResponseHead } from '../../../../peer/fetch/response-parser.ts'

const GOOD =
  'HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\ncontent-range: bytes 0-9/20\r\nETag: "x"\r\n\r\n'

const parse = (text: string): { head: ResponseHead; consumed: number } | null =>
  new HeadCollector().push(Buffer.from(text, 'latin1'))

test('the head of a valid answer is parsed, and the bytes after it are left', () => {
  expect(parse(`${GOOD}0123456789`)).toEqual({
    head: { status: 206, contentLength: 10, contentRange: 'bytes 0-9/20', keepAlive: true },
    consumed: GOOD.length,
  })
})

test('a head in any pieces is parsed the same, and no byte after it is consumed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (lengths) => {
      const bytes = Buffer.from(`${GOOD}body`)
      const collector = new HeadCollector()
      let at = 0
      for (let i = 0; at < bytes.length; i++) {
        const piece = bytes.subarray(at, at + lengths[i % lengths.length]!)
        const parsed = collector.push(piece)
        if (parsed) {
          expect(parsed.head.contentLength).toBe(10)
          expect(at + parsed.consumed).toBe(GOOD.length)
          return
        }
        at += piece.length
      }
      throw new Error('the head was not found')
    }),
  )
})

test('one collector reads successive heads of a connection', () => {
  const collector = new HeadCollector()
  const two = Buffer.from(GOOD + GOOD.replace('206', '404'))
  const first = collector.push(two)
  expect(first?.head.status).toBe(206)
  expect(collector.push(two.subarray(first?.consumed))?.head.status).toBe(404)
})

test.each([
  [
    'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
    { status: 200, contentLength: 0, contentRange: null, keepAlive: true },
  ],
  [
    'HTTP/1.1 200 \r\nContent-Length:0\r\nConnection: Close\r\n\r\n',
    { status: 200, contentLength: 0, keepAlive: false },
  ],
  ['HTTP/1.1 206 x\r\nCONTENT-LENGTH: \t 7 \t\r\n\r\n', { contentLength: 7 }],
  ['HTTP/1.1 206 x\r\ncontent-length: 7\r\nx: 1\r\nx: 2\r\n\r\n', { contentLength: 7 }],
  ['HTTP/1.1 206 x\r\ncontent-length: 999999999999999\r\n\r\n', { contentLength: 999_999_999_999_999 }],
])('the head %j is parsed', (text, head) => {
  expect(parse(text)?.head).toMatchObject(head)
})

test.each([
  'HTTP/1.0 206 OK\r\ncontent-length: 1\r\n\r\n',
  'HTTP/2 206\r\ncontent-length: 1\r\n\r\n',
  'http/1.1 206 OK\r\ncontent-length: 1\r\n\r\n',
  'ICY 200 OK\r\ncontent-length: 1\r\n\r\n',
  'HTTP/1.1 20 OK\r\ncontent-length: 1\r\n\r\n',
  'HTTP/1.1 2066 OK\r\ncontent-length: 1\r\n\r\n',
  'HTTP/1.1  206 OK\r\ncontent-length: 1\r\n\r\n',
  '\r\nHTTP/1.1 206 OK\r\ncontent-length: 1\r\n\r\n',
  '\r\n\r\n',
  'GET / HTTP/1.1\r\ncontent-length: 1\r\n\r\n',
  'HTTP/1.1 206 OK\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length:\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: -1\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: +1\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 0x10\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1e3\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1 1\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1,1\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 9999999999999999\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\ncontent-range: a\r\ncontent-range: a\r\n\r\n',
  'HTTP/1.1 206 OK\r\ntransfer-encoding: chunked\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\nTransfer-Encoding: identity\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length : 1\r\n\r\n',
  'HTTP/1.1 206 OK\r\n content-length: 1\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\n folded: yes\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\nno colon\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\n: no name\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\r\nb\u00e4d: name\r\n\r\n',
  'HTTP/1.1 206 OK\r\ncontent-length: 1\nx: y\r\n\r\n',
])('the head %j is PEER_BAD_ANSWER', (text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'PEER_BAD_ANSWER' }))
})

test('an endless head is refused at 16 KiB, and no more of it is kept', () => {
  const collector = new HeadCollector()
  const endless = (): void => {
    for (let i = 0; i < 40; i++) collector.push(Buffer.alloc(1000, 'a'))
  }
  expect(endless).toThrow(expect.objectContaining({ code: 'PEER_BAD_ANSWER' }))
  expect(() => new HeadCollector().push(Buffer.alloc(1 << 20, 'a'))).toThrow(/too long/)
})

test('any bytes give a head, a request for more, or PEER_BAD_ANSWER', () => {
  const bits = fc.constantFrom(
    'HTTP/1.1 206 ',
    '\r\n',
    '\r\n\r\n',
    'content-length: ',
    '5',
    ':',
    ' ',
    'x',
    '\0',
    '\n',
  )
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 30 }), (parts) => {
      try {
        const parsed = parse(parts.join(''))
        if (parsed) expect(parsed.head.contentLength).toBeGreaterThanOrEqual(0)
      } catch (error) {
        expect(error).toMatchObject({ code: 'PEER_BAD_ANSWER' })
      }
    }),
    { numRuns: 500 },
  )
})
