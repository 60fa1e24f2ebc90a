import { parseRedisUrl, redactedUrl, unixUrl } from '../../../redis/url.ts'

const at = (host: string, port: number) => ({ host, port })

test.each([
  ['redis://db', { kind: 'single', address: at('db', 6379), db: 0 }],
  ['redis://db:7000/3', { kind: 'single', address: at('db', 7000), db: 3 }],
  ['redis://', { kind: 'single', address: at('127.0.0.1', 6379), db: 0 }],
  ['redis://db/', { kind: 'single', address: at('db', 6379), db: 0 }],
  ['redis://[::1]:7000', { kind: 'single', address: at('::1', 7000), db: 0 }],
  ['redis://:p%40ss@db', { kind: 'single', address: at('db', 6379), db: 0, password: 'p@ss' }],
  [
    'redis://ann:secret@db',
    { kind: 'single', address: at('db', 6379), db: 0, username: 'ann', password: 'secret' },
  ],
  ['rediss://db', { kind: 'single', address: at('db', 6379), db: 0, tls: { ca: null } }],
  [
    'rediss://db/1?ca=/etc/ca%20file.pem',
    { kind: 'single', address: at('db', 6379), db: 1, tls: { ca: '/etc/ca file.pem' } },
  ],
  ['unix:///run/redis.sock', { kind: 'unix', path: '/run/redis.sock' }],
  ['unix:///a%20b/redis.sock', { kind: 'unix', path: '/a b/redis.sock' }],
  [
    'redis+sentinel://s1,s2:7000/shoal',
    { kind: 'sentinel', sentinels: [at('s1', 26_379), at('s2', 7000)], name: 'shoal' },
  ],
  [
    'rediss+sentinel://:pw@s1/my%2Fname?sentinel-password=other&ca=/ca.pem',
    {
      kind: 'sentinel',
      sentinels: [at('s1', 26_379)],
      name: 'my/name',
      password: 'pw',
      sentinelPassword: 'other',
      tls: { ca: '/ca.pem' },
    },
  ],
  [
    'redis+cluster://ann:secret@n1:7001,[::1]:7002,n3',
    {
      kind: 'cluster',
      nodes: [at('n1', 7001), at('::1', 7002), at('n3', 6379)],
      username: 'ann',
      password: 'secret',
    },
  ],
  ['rediss+cluster://n1', { kind: 'cluster', nodes: [at('n1', 6379)], tls: { ca: null } }],
])('%s parses to %j', (url, target) => {
  expect(parseRedisUrl(url)).toEqual(target)
})

test.each([
  '',
  'db:6379',
  'localhost',
  'http://db',
  'redis:/db/x',
  'redis://db/three',
  'redis://db/-1',
  'redis://db/1.5',
  'redis://db:99999',
  'redis://a%zz@db',
  'unix:///a%zz',
  'redis://one,two',
  'redis://db?tls=1',
  'redis://db?ca=/ca.pem',
  'redis+sentinel://s1,s2',
  'redis+cluster://n1:99999,n2',
  'redis+cluster://n1?sentinel-password=x',
  'redis+tls://db',
])('%j is not a Redis URL', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
})

test('any socket path round-trips through its URL', () => {
  for (const path of [
    '/run/redis.sock',
    '/a b/redis.sock',
    '/ünï/redis.sock',
    '/100%/redis.sock',
    '/a#b?c/redis.sock',
  ])
    expect(parseRedisUrl(unixUrl(path))).toEqual({ kind: 'unix', path })
})

test('a redacted URL has no password', () => {
  expect(redactedUrl('redis://ann:secret@db:7000/3')).toBe('redis://ann:***@db:7000/3')
  expect(redactedUrl('redis://:secret@db')).toBe('redis://:***@db')
  expect(redactedUrl('unix:///run/redis.sock')).toBe('unix:///run/redis.sock')
  expect(redactedUrl('redis://db:99999999')).toBe('redis://db:99999999')
  expect(redactedUrl('redis+cluster://ann:secret@n1:7001,n2:7002')).toBe(
    'redis+cluster://ann:***@n1:7001,n2:7002',
  )
  expect(redactedUrl('redis+sentinel://:secret@s1,s2/n?sentinel-password=secret&ca=/x')).toBe(
    'redis+sentinel://:***@s1,s2/n?sentinel-password=***&ca=/x',
  )
})

test('the error about a bad URL does not contain its password', () => {
  for (const url of [
    'redis://:secret@db:99999999',
    'http://ann:secret@db',
    'redis://:secret%zz@db',
    'redis+cluster://:secret@n1,n2:99999999',
    'redis+sentinel://s1/n%zz?sentinel-password=secret',
  ])
    expect(() => parseRedisUrl(url)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', message: expect.not.stringContaining('secret') }),
    )
})
