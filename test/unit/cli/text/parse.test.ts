import { parseBytes, parseDuration, parseList, parseListen } from '../../../../cli/text/parse.ts'

describe('durations', () => {
  test.each([
    ['0', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1.5h', 5_400_000],
    [' 10s ', 10_000],
  ])('the duration %j is %d milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each(['', '5', 's', '-5s', '5 s', '5w', '1e3s', '5s5', 'Infinity'])(
    'the duration %j is refused',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )
})

describe('sizes and rates', () => {
  test.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['500k', 500_000],
    ['10MB', 10_000_000],
    ['10MiB', 10_485_760],
    ['10mib/s', 10_485_760],
    ['1.5 GiB', 1_610_612_736],
    ['2T', 2_000_000_000_000],
    ['3B', 3],
  ])('the size %j is %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  test.each(['', 'MB', '-1MB', '10 XB', '10MBit', '1e6', '99999999T'])('the size %j is refused', (text) => {
    expect(() => parseBytes(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

test('a list is separated by commas, ignoring spaces and empty parts', () => {
  expect(parseList(' a, b,,c ,')).toEqual(['a', 'b', 'c'])
})

describe('addresses to listen on', () => {
  test.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    [':8080', { host: '0.0.0.0', port: 8080 }],
  ])('the address %j is accepted', (text, address) => {
    expect(parseListen(text)).toEqual(address)
  })

  test.each(['', '8080', 'localhost', '::1:8080', 'a b:1', '127.0.0.1:65536', '127.0.0.1:', 'http://a:1'])(
    'the address %j is refused',
    (text) => {
      expect(() => parseListen(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )
})
