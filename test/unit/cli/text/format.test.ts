import {
  countsText,
  formatBytes,
  formatRate,
  formatSeconds,
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
