import fc from 'fast-check'
import { isFileId, parseRange } from '../../../protocol/peer-wire.ts'

test.each([
  ['bytes=0-0', 10, [0, 1]],
  ['bytes=0-9', 10, [0, 10]],
  ['bytes=0-', 10, [0, 10]],
  ['bytes=9-', 10, [9, 10]],
  ['bytes=3-5', 10, [3, 6]],
  ['bytes=3-99', 10, [3, 10]],
  ['bytes=-1', 10, [9, 10]],
  ['bytes=-99', 10, [0, 10]],
  ['bytes=0-999999999999999', 10, [0, 10]],
])('%s of %i bytes means [%j)', (header, size, range) => {
  expect(parseRange(header, size)).toEqual(range)
})

test.each([
  undefined,
  '',
  'bytes',
  'bytes=',
  'bytes=-',
  'bytes=-0',
  'bytes=5-4',
  'bytes=10-',
  'bytes=10-20',
  'bytes=0-1,3-4',
  'bytes= 0-1',
  'bytes=0-1 ',
  'bytes=a-b',
  'bytes=0x1-2',
  'bytes=+1-2',
  'bytes=1.0-2',
  'bytes=1e1-20',
  'bytes=--1',
  'bytes=0-1\n',
  'items=0-1',
  'BYTES=0-1',
  'bytes=９-９',
  'bytes=0-99999999999999999999',
  'bytes=99999999999999999999-',
])('%j is not a valid range of 10 bytes', (header) => {
  expect(parseRange(header, 10)).toBeNull()
})

test('no range of an empty file is satisfiable', () => {
  for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) expect(parseRange(header, 0)).toBeNull()
})

test('an accepted range is inside the file and not empty', () => {
  const part = fc.oneof(
    fc.constant(''),
    fc.nat(1000).map(String),
    fc.bigInt({ min: 0n, max: 2n ** 60n }).map(String),
  )
  fc.assert(
    fc.property(part, part, fc.nat(500), (from, to, size) => {
      const range = parseRange(`bytes=${from}-${to}`, size)
      if (range === null) return
      const [start, end] = range
      expect(start).toBeGreaterThanOrEqual(0)
      expect(end).toBeGreaterThan(start)
      expect(end).toBeLessThanOrEqual(size)
    }),
    { numRuns: 1000 },
  )
})

test('a file id is 64 lower-case hex digits and nothing else', () => {
  expect(isFileId('0a'.repeat(32))).toBe(true)
  for (const text of [
    '',
    '0A'.repeat(32),
    '0a'.repeat(31),
    '0a'.repeat(33),
    `${'0a'.repeat(32)}\n`,
    '../'.repeat(21),
  ])
    expect(isFileId(text)).toBe(false)
})
