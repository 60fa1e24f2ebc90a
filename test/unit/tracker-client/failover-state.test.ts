import { FailoverHistory, type FailoverState, failoverOrder } from '../../../tracker-client/failover-state.ts'
import { eventData } from '../../../tracker-client/sse.ts'
import { trackerUrl } from '../../../tracker-client/url.ts'

test('the last good tracker comes first, one that failed recently comes last, and old failures are forgotten', () => {
  const failed = new Map([
    ['a', 90_000],
    ['b', 1000],
  ])
  expect(failoverOrder(['a', 'b', 'c', 'd'], 'd', failed, 100_000)).toEqual(['d', 'b', 'c', 'a'])
})

test('a client saves its memory at each change, and the next client loads it', () => {
  const saved: FailoverState[] = []
  const first = new FailoverHistory({ load: () => EMPTY, save: (state) => saved.push(state) })
  first.failed('a', 5)
  first.answered('b')
  first.answered('b')
  first.saw('constructor', 7)
  first.saw('constructor', 6)
  expect(saved).toHaveLength(3)
  expect(saved.at(-1)).toEqual({ last: 'b', failed: { a: 5 }, revisions: { constructor: 7 } })
  const last = saved.at(-1) ?? EMPTY
  const second = new FailoverHistory({ load: () => last, save: () => {} })
  expect(second.order(['a', 'b'], 10)).toEqual(['b', 'a'])
  expect(second.revision('constructor')).toBe(7)
  expect(second.revision('toString')).toBeUndefined()
})

const EMPTY: FailoverState = { last: null, failed: {}, revisions: {} }

test.each([
  ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['localhost:8080', 'http://localhost:8080'],
  [' https://t1:8443/ ', 'https://t1:8443'],
  ['[::1]:8080', 'http://[::1]:8080'],
])('the tracker %j is parsed as %s', (text, url) => {
  expect(trackerUrl(text)).toBe(url)
})

test.each(['', 'ftp://t1', 'http://t1/v1', 'http://u:p@t1', 'http://', 't1:99999', 'http://t1?x'])(
  '%j is not a tracker address',
  (text) => {
    expect(() => trackerUrl(text)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
  },
)

test('events are parsed the same however the stream is split', async () => {
  const stream = Buffer.from(
    ': hello\n\nid: 1\ndata: {"a":"é"}\n\n: beat\n\ndata: x\r\ndata: y\r\n\r\ndata: unfinished',
  )
  for (const size of [1, 2, 3, 7, 100]) {
    const out: string[] = []
    for await (const data of eventData(inPieces(stream, size))) out.push(data)
    expect(out).toEqual(['{"a":"é"}', 'x\ny'])
  }
})

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
