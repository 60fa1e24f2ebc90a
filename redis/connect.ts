import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { storageError } from '../protocol/errors.ts'
import { nodeConnector } from './node-connector.ts'
import { MasterConnector } from './sentinel-connector.ts'
import { giveUpOnSilence } from './silence.ts'
import { parseRedisUrl, type RedisTarget } from './url.ts'

/** A connection to one server (found by Sentinels, maybe), or connections to the nodes of a cluster. */
export type RedisClient = Redis | Cluster

/**
 * What a connection is for decides how it fails. `commands`: at once, a caller waits; an unanswered command
 * is never sent twice behind its back. `queue`: BullMQ's, which waits for Redis as long as it takes.
 */
export type ConnectionKind = 'commands' | 'queue'

const reconnectDelay = (attempt: number): number => Math.min(50 * 2 ** attempt, 400)

const COMMAND_TIMEOUT_MS = 600
/**
 * A connection that leaves a command unanswered for so long is given up (silence.ts), and fails all that was asked
 * over it. Otherwise one whose other end is gone without a word would stay, and a server that hangs would cost each
 * command the whole timeout: so the first one waits, and the others fail at once.
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
 * A node's connection opens with its first command, which waits for it: less long than the caller does, so
 * nothing is sent after the caller was told that it failed. Without delays for them there are no retries.
 */
const CLUSTER: Record<ConnectionKind, ClusterOptions> = {
  commands: {
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    maxRedirections: 5,
    // A dead master answers no MOVED that would tell of its successor.
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

/** Without a timeout for commands: that of its own resubscribing would be an error that nobody handles. */
const SUBSCRIBER: RedisOptions = { autoResubscribe: true, maxRetriesPerRequest: null, ...GIVE_UP }

/** Opens a connection, which starts connecting at once. Throws BAD_CONFIG and storage errors of the CA's file. */
export function connectRedis(url: string, kind: ConnectionKind): RedisClient {
  const target = parseRedisUrl(url)
  if (target.kind !== 'cluster') return watched(new Redis({ ...optionsOf(target), ...SINGLE[kind] }))
  const { redisOptions, ...options } = CLUSTER[kind]
  const tls = tlsOptions(target)
  const cluster = new Cluster(target.nodes, {
    ...options,
    clusterRetryStrategy: reconnectDelay,
    redisOptions: { ...CLOSING, ...accessOf(target), ...redisOptions },
    // Certificates name hosts, so hosts must not become addresses before they are compared.
    ...(tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
  })
  return quiet(cluster.on('+node', watched))
}

/**
 * Opens a connection for pub/sub, which reconnects by itself. On a cluster it goes to any node of the URL, or
 * of those that `beside` has found.
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

/** The connections to all servers that hold data: one, or a cluster's masters. Throws where one is missing. */
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
    // A master that hangs closes no connection, so the Sentinels are asked to tell of its successor.
    failoverDetector: true,
    sentinelRetryStrategy: reconnectDelay,
    sentinelReconnectStrategy: reconnectDelay,
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
  }
}

/** What is the same for every server of the target. */
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

/** Without a listener an error event would end the process; every command reports its own failure. */
function quiet<T extends RedisClient>(redis: T): T {
  redis.on('error', () => {})
  return redis
}

/** Names the process in CLIENT LIST. */
export const connectionName = (): string => `shoal-${process.pid}`
