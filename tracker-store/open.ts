import { Background } from '../packed/background.ts'
import { connectRedis, connectSubscriber } from '../redis/connect.ts'
import { redactedUrl } from '../redis/url.ts'
import { requireRedis } from '../redis/version.ts'
import { SessionCache } from './accounts/session-cache.ts'
import { RedisSessions } from './accounts/sessions.ts'
import { RedisKeys } from './accounts/signing-keys.ts'
import { RedisUsers } from './accounts/users.ts'
import { Database, untilRedisAnswers } from './database.ts'
import { GroupFeed } from './groups/group-feed.ts'
import { RedisGroups } from './groups/groups.ts'
import { RedisHashes } from './groups/hashes.ts'
import { RedisVersions } from './groups/versions.ts'
import { type LossListener, Views } from './groups/views.ts'
import { migrate } from './migrate.ts'
import { RedisPresence } from './presence/presence.ts'
import { RedisProgress } from './presence/progress-channel.ts'
import { PubSub } from './pubsub.ts'
import { redisStatus } from './redis-status.ts'
import { RedisReplicas } from './replicas.ts'
import { checkRestored, checkSchema } from './schema.ts'
import type { Store } from './store.ts'

export interface StoreOptions {
  /** Any URL that redis/url.ts accepts. */
  redis: string
  /** Unique to each replica and to each start of it. */
  replicaId: string
  /** The maximum of files and members to keep in memory. Each group adds 16. */
  viewRecords?: number
  /** Receives a warning when the connection is lost and when it is back. */
  log?: { warn(message: string): void }
  /** Receives failures of background work; defaults to `log`. */
  background?: Background
}

/**
 * Connects to Redis and returns the store. Throws REDIS_UNREACHABLE, REDIS_TOO_OLD or SCHEMA_TOO_NEW. The store
 * survives later outages: methods fail meanwhile, and the data in memory catches up afterwards.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { redis: url, replicaId, log, viewRecords } = options
  const background = options.background ?? new Background((message) => log?.warn(message))
  const commands = connectRedis(url, 'commands')
  const subscriber = connectSubscriber(url, commands)
  const disconnect = (): void => {
    commands.disconnect()
    subscriber.disconnect()
  }
  try {
    await Promise.all(
      [commands, subscriber].map((redis) => untilRedisAnswers(() => requireRedis(redis, url))),
    )
    const db = new Database(commands)
    const pubsub = new PubSub(subscriber, background)
    await untilRedisAnswers(() => checkSchema(db))
    await untilRedisAnswers(() => checkRestored(db))
    await untilRedisAnswers(() => migrate(db))
    const cache = new SessionCache(pubsub)
    const presence = new RedisPresence(db, pubsub, replicaId, background)
    const progress = new RedisProgress(db, pubsub, replicaId, background)
    await Promise.all(
      [cache, presence, progress].map((listener) => untilRedisAnswers(() => listener.listen())),
    )
    const feed = new GroupFeed(db, pubsub, background)
    const onLoss: LossListener = (group, seen, now) =>
      log?.warn(
        `Redis lost changes of the group ${group}: this replica saw revision ${seen}, Redis is at ${now}`,
      )
    const views = new Views(db, feed, onLoss, viewRecords)
    const replicas = new RedisReplicas(db, replicaId, () => views.lag, background)
    let open = true
    commands.on('close', () => open && log?.warn(`the connection to Redis at ${redactedUrl(url)} is lost`))
    commands.on('ready', () => log?.warn('the connection to Redis is back'))
    return {
      users: new RedisUsers(db, cache),
      sessions: new RedisSessions(db, cache),
      groups: new RedisGroups(db, feed, views),
      versions: new RedisVersions(db),
      hashes: new RedisHashes(db),
      keys: new RedisKeys(db),
      presence,
      progress,
      replicas,
      async ready() {
        const reached = await feed.check().then(
          () => true,
          () => false,
        )
        return reached && pubsub.connected && views.current
      },
      status: () => redisStatus(db, url),
      async close() {
        open = false
        feed.close()
        progress.close()
        views.close()
        await Promise.all([presence.close(), replicas.leave()])
        disconnect()
      },
    }
  } catch (error) {
    disconnect()
    throw error
  }
}
