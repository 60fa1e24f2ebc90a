import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { backOff } from '../protocol/back-off.ts'
import { storageError } from '../protocol/errors.ts'
import { nodeConnector } from './patches/node-connector.ts'
import { MasterConnector } from './patches/sentinel-connector.ts'
import { giveUpOnSilence } from './patches/silent-connection.ts'
import { parseRedisUrl, type RedisTarget } from './url.ts'

/** A connection to one server (perhaps found through Sentinels), or connections to a cluster's nodes. */
export type RedisClient = Redis | Cluster

/**
 * The purpose of a connection decides how it fails. `commands`: at once, because a caller waits; an
 * unanswered command is never silently sent again. `queue`: for BullMQ, which waits for Redis as long as it
 * takes.
 */
export type ConnectionKind = 'commands' | 'queue'

const reconnectDelay = (attempt: number): number => backOff(attempt, 100, 400)

const COMMAND_TIMEOUT_MS = 600
/**
 * We close a connection that leaves a command unanswered this long (silence.ts), and fail everything in
 * flight on it. Otherwise a connection whose other end vanished would stay open, and a hanging server would
 * cost every command the full timeout. This way the first command waits and the others fail at once.
 */
const GIVE_UP = { socketTimeout: COMMAND_TIMEOUT_MS }
const CLOSING = { disconnectTimeout: 500 }
const COMMON = { ...CLOSING, retryStrategy: reconnectDelay, connectTimeout: 2000 }

const SINGLE: Record<ConnectionKind, RedisOptions> = {
  commands: {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    ...GIVE_UP,
    enableReadyCheck: true,
  },
  queue: { maxRetriesPerRequest: null },
}

/**
 * The first command opens the connection to a node and waits for it. The connection gets less time than the
 * caller, so nothing is sent after the caller was told of a failure. ioredis does not retry when these delays
 * are zero.
 */
const CLUSTER: Record<ConnectionKind, ClusterOptions> = {
  commands: {
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    maxRedirections: 5,
    // A dead master sends no MOVED that would name its successor.
    slotsRefreshInterval: 1000,
    slotsRefreshTimeout: 500,
    redisOptions: {
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_TIMEOUT_MS,
      ...GIVE_UP,
      connectTimeout: COMMAND_TIMEOUT_MS - 100,
    },
  },
  queue: { redisOptions: { maxRetriesPerRequest: null } },
}

/** No command timeout: a timeout while ioredis resubscribes by itself would be an unhandled error. */
const SUBSCRIBER: RedisOptions = { autoResubscribe: true, maxRetriesPerRequest: null, ...GIVE_UP }

/** Starts to connect at once. Throws BAD_CONFIG, or a storage error for the CA file. */
export function connectRedis(url: string, kind: ConnectionKind): RedisClient {
  const target = parseRedisUrl(url)
  if (target.kind !== 'cluster') return watched(new Redis({ ...optionsOf(target), ...SINGLE[kind] }))
  const { redisOptions, ...options } = CLUSTER[kind]
  const tls = tlsOptions(target)
  const cluster = new Cluster(target.nodes, {
    ...options,
    clusterRetryStrategy: reconnectDelay,
    redisOptions: { ...CLOSING, ...accessOf(target), ...redisOptions },
    // Certificates name hosts, so we must compare them before hosts become addresses.
    ...(tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
  })
  return quiet(cluster.on('+node', watched))
}

/**
 * Opens a pub/sub connection that reconnects by itself. On a cluster it goes to any node of the URL, or to
 * any node that `beside` has found.
 */
export function connectSubscriber(url: string, beside?: RedisClient): Redis {
  const target = parseRedisUrl(url)
  if (target.kind !== 'cluster') return watched(new Redis({ ...optionsOf(target), ...SUBSCRIBER }))
  const { nodes } = target
  const addresses = () => [
    ...(beside instanceof Cluster ? beside.nodes('master') : []).map(
      ({ options: { host = '', port = 0 } }) => ({ host, port }),
    ),
    ...nodes,
  ]
  const Connector = nodeConnector(addresses, tlsOptions(target))
  return watched(new Redis({ ...accessOf(target), ...COMMON, ...SUBSCRIBER, Connector }))
}

const SLOTS = 16_384

/**
 * Connections to all servers that hold data: the one server, or a cluster's masters. Throws if a master is
 * missing.
 */
export function masters(redis: RedisClient): Redis[] {
  if (!(redis instanceof Cluster)) return [redis]
  const nodes = redis.nodes('master')
  const connected = new Set(nodes.map(({ options: { host, port } }) => `${host}:${port}`))
  const covered = redis.slots.filter(([owner]) => owner !== undefined && connected.has(owner)).length
  if (covered < SLOTS) throw new Error(`${SLOTS - covered} slots of the cluster have no master`)
  return nodes
}

function optionsOf(target: Exclude<RedisTarget, { kind: 'cluster' }>): RedisOptions {
  const options = { ...COMMON, ...accessOf(target) }
  if (target.kind === 'unix') return { ...options, path: target.path }
  if (target.kind === 'single') return { ...options, ...target.address, db: target.db }
  const { sentinels, name, sentinelPassword } = target
  const tls = tlsOptions(target)
  return {
    ...options,
    sentinels,
    name,
    Connector: MasterConnector,
    ...(sentinelPassword ? { sentinelPassword } : {}),
    ...(tls ? { sentinelTLS: tls, enableTLSForSentinelMode: true } : {}),
    // A hanging master closes no connection, so the Sentinels must announce its successor.
    failoverDetector: true,
    sentinelRetryStrategy: reconnectDelay,
    sentinelReconnectStrategy: reconnectDelay,
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
  }
}

/** Options that all servers of the target share. */
function accessOf(target: RedisTarget): RedisOptions {
  const named = { connectionName: connectionName() }
  if (target.kind === 'unix') return named
  const { username, password } = target
  const tls = tlsOptions(target)
  return {
    ...named,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(tls ? { tls } : {}),
  }
}

function tlsOptions(target: RedisTarget): ConnectionOptions | undefined {
  if (target.kind === 'unix' || target.tls === undefined) return undefined
  const { ca } = target.tls
  if (ca === null) return {}
  try {
    return { ca: readFileSync(ca) }
  } catch (error) {
    throw storageError(error, ca)
  }
}

function watched(redis: Redis): Redis {
  giveUpOnSilence(redis, COMMAND_TIMEOUT_MS)
  return quiet(redis)
}

/** Without a listener an error event would end the process. Every command reports its own failure. */
function quiet<T extends RedisClient>(redis: T): T {
  redis.on('error', () => {})
  return redis
}

/** Names the process in CLIENT LIST. */
export const connectionName = (): string => `shoal-${process.pid}`
