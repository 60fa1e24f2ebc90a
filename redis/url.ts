import { ShoalError } from '../protocol/errors.ts'

export interface RedisAddress {
  host: string
  port: number
}

interface Access {
  username?: string
  password?: string
  /** PEM file of the authorities to trust instead of the system's; null: the system's. */
  tls?: { ca: string | null }
}

/** The location of Redis according to its URL. */
export type RedisTarget =
  | { kind: 'unix'; path: string }
  | ({ kind: 'single'; address: RedisAddress; db: number } & Access)
  | ({ kind: 'sentinel'; sentinels: RedisAddress[]; name: string; sentinelPassword?: string } & Access)
  | ({ kind: 'cluster'; nodes: RedisAddress[] } & Access)

const PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 }
type Kind = keyof typeof PORTS

const FORMS =
  'write redis://host:6379, unix:///path/redis.sock, redis+sentinel://host:26379,host:26379/name ' +
  'or redis+cluster://host:6379,host:6379; rediss for TLS, user:password@ before the hosts'

/**
 * Parses `redis://[user:password@]host:port[/db]`, `redis+sentinel://host:port,host:port/name`,
 * `redis+cluster://host:port,host:port` or `unix:///path`. `rediss` instead of `redis` means TLS, which
 * trusts the file in `?ca=`. `?sentinel-password=` is the Sentinels' own password. Throws BAD_CONFIG for
 * anything else.
 */
export function parseRedisUrl(url: string): RedisTarget {
  if (url.startsWith('unix:') && URL.canParse(url) && isDecodable(url))
    return { kind: 'unix', path: decodeURIComponent(new URL(url).pathname) }
  const [, scheme, form = 'single', user = '', hosts, rest] =
    /^(rediss?)(?:\+(sentinel|cluster))?:\/\/([^/?#]*@)?([^/?#]*)(.*)$/s.exec(url) ?? []
  const kind = form as Kind
  const texts = hosts === undefined ? [] : hosts.split(',').map((host) => `redis://${user}${host}${rest}`)
  if (texts.length === 0 || !texts.every((text) => URL.canParse(text) && isDecodable(text)))
    throw badUrl(`${JSON.stringify(redactedUrl(url))} is not a Redis URL`)
  const parsed = texts.map((text) => new URL(text))
  const first = parsed[0] as URL
  const addresses = parsed.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: port === '' ? PORTS[kind] : Number(port),
  }))
  const access = { ...credentialsOf(first), ...tlsOf(first, scheme === 'rediss') }
  const path = decodeURIComponent(first.pathname.slice(1))
  checkParameters(first, kind)
  if (kind === 'cluster') return { kind, nodes: addresses, ...access }
  if (kind === 'single') return { kind, address: onlyOne(addresses), db: databaseOf(path), ...access }
  if (path === '') throw badUrl('the Sentinel URL names no master: end it with /NAME')
  const sentinelPassword = first.searchParams.get('sentinel-password')
  return {
    kind,
    sentinels: addresses,
    name: path,
    ...access,
    ...(sentinelPassword ? { sentinelPassword } : {}),
  }
}

function credentialsOf({ username, password }: URL): Access {
  return {
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
  }
}

function tlsOf({ searchParams }: URL, wanted: boolean): Access {
  if (!wanted && searchParams.has('ca')) throw badUrl('?ca= needs a URL that begins with rediss')
  return wanted ? { tls: { ca: searchParams.get('ca') } } : {}
}

function checkParameters({ searchParams }: URL, kind: Kind): void {
  const known = kind === 'sentinel' ? ['ca', 'sentinel-password'] : ['ca']
  const unknown = [...searchParams.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) throw badUrl(`a Redis URL of this kind has no parameter ${unknown}`)
}

function onlyOne(addresses: RedisAddress[]): RedisAddress {
  if (addresses.length > 1)
    throw badUrl('the Redis URL names several hosts, but neither Sentinel nor Cluster')
  return addresses[0] as RedisAddress
}

function databaseOf(path: string): number {
  const db = Number(path)
  if (Number.isInteger(db) && db >= 0) return db
  throw badUrl(`the Redis URL names no database number: ${path}`)
}

const badUrl = (message: string): ShoalError => new ShoalError('BAD_CONFIG', message, { hint: FORMS })

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

export const unixUrl = (path: string): string => `unix://${path.split('/').map(encodeURIComponent).join('/')}`

/** The URL without its passwords, for printing and logging. Never fails, even on an invalid URL. */
export function redactedUrl(url: string): string {
  return url.replace(/^([^/]*\/\/[^:@]*):.*@/s, '$1:***@').replace(/(sentinel-password=)[^&#]*/g, '$1***')
}
