import { redactedUrl, redisOptions, unixUrl } from '../../../redis/connect.ts'

test.each([
  ['redis://db', { host: 'db', port: 6379, db: 0 }],
  ['redis://db:7000/3', { host: 'db', port: 7000, db: 3 }],
  ['redis://', { host: '127.0.0.1', port: 6379, db: 0 }],
  ['redis://db/', { host: 'db', port: 6379, db: 0 }],
  ['redis://[::1]:7000', { host: '::1', port: 7000, db: 0 }],
  ['redis://:p%40ss@db', { host: 'db', port: 6379, db: 0, password: 'p@ss' }],
  ['redis://ann:secret@db', { host: 'db', port: 6379, db: 0, username: 'ann', password: 'secret' }],
  ['rediss://db', { host: 'db', port: 6379, db: 0, tls: {} }],
  ['unix:///run/redis.sock', { path: '/run/redis.sock' }],
  ['unix:///a%20b/redis.sock', { path: '/a b/redis.sock' }],
])('%s means %j', (url, options) => {
  expect(redisOptions(url)).toEqual(options)
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
])('%j is not a Redis URL', (url) => {
  expect(() => redisOptions(url)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
})

test('a socket path survives its URL, whatever is in it', () => {
  for (const path of [
    '/run/redis.sock',
    '/a b/redis.sock',
    '/ünï/redis.sock',
    '/100%/redis.sock',
    '/a#b?c/redis.sock',
  ])
    expect(redisOptions(unixUrl(path))).toEqual({ path })
})

test('what is printed of a URL has no password', () => {
  expect(redactedUrl('redis://ann:secret@db:7000/3')).toBe('redis://ann:***@db:7000/3')
  expect(redactedUrl('redis://:secret@db')).not.toContain('secret')
  expect(redactedUrl('unix:///run/redis.sock')).toBe('unix:///run/redis.sock')
  expect(redactedUrl('redis://db:99999999')).toBe('redis://db:99999999')
})

test('the error about a URL does not give its password away', () => {
  for (const url of ['redis://:secret@db:99999999', 'http://ann:secret@db', 'redis://:secret%zz@db'])
    expect(() => redisOptions(url)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', message: expect.not.stringContaining('secret') }),
    )
})
