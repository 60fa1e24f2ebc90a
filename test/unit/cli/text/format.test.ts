import {
  countsText,
  formatBytes,
  formatMode,
  formatRate,
  formatSeconds,
  formatTime,
  plural,
  table,
} from '../../../../cli/text/format.ts'

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1.0 MiB'],
  [2 ** 50, '1.0 PiB'],
  [2 ** 60, '1024.0 PiB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('a rate is shown as a size per second', () => {
  expect(formatRate(1536.4)).toBe('1.5 KiB/s')
})

test.each([
  [0.25, '0.3 s'],
  [59.9, '59.9 s'],
  [59.99, '1m 0s'],
  [75, '1m 15s'],
  [7260, '2h 1m'],
  [90_000, '1d 1h'],
])('%d seconds are shown as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text)
})

test('a count of one is singular, every other plural', () => {
  expect([0, 1, 2].map((count) => plural(count, 'file'))).toEqual(['0 files', '1 file', '2 files'])
})

test('a table has columns as wide as their widest cell and no trailing spaces', () => {
  expect(
    table(
      ['USER', 'ROLE'],
      [
        ['al', 'owner'],
        ['barbara', ''],
      ],
    ),
  ).toBe('USER     ROLE\nal       owner\nbarbara')
})

test('counts are listed in words', () => {
  expect(countsText({ users: 2, sessions: 1, groups: 0 })).toBe('2 users, 1 session, 0 groups')
})

test.each([
  [0n, '1970-01-01T00:00:00.000000000Z'],
  [1_700_000_000_123_456_789n, '2023-11-14T22:13:20.123456789Z'],
  [-1n, '1969-12-31T23:59:59.999999999Z'],
  [2n ** 63n - 1n, '2262-04-11T23:47:16.854775807Z'],
  [-(2n ** 63n), '1677-09-21T00:12:43.145224192Z'],
])('%d nanoseconds are shown as %s', (ns, text) => {
  expect(formatTime(ns)).toBe(text)
})

test('permission bits are shown as ls shows them', () => {
  expect([0, 0o754, 0o777].map(formatMode)).toEqual(['---------', 'rwxr-xr--', 'rwxrwxrwx'])
})

test('a table has as many rows as there are', () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => [String(i), 'x'])
  expect(table(['A', 'B'], rows).split('\n').at(-1)).toBe('299999  x')
})
