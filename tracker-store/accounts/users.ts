import type { Database } from '../database.ts'
import { fold, REVOCATION_CHANNEL, USER_DIRECTORY, userIdempotencyKey, userKeys } from '../keys.ts'
import type { Mutation, UserRecord, UserStore } from '../store.ts'
import type { SessionCache } from './session-cache.ts'

export class RedisUsers implements UserStore {
  readonly #db: Database
  readonly #cache: SessionCache

  constructor(db: Database, cache: SessionCache) {
    this.#db = db
    this.#cache = cache
  }

  async create(
    mutation: Mutation,
    { user, passwordHash }: { user: string; passwordHash: string },
  ): Promise<void> {
    // In a cluster the directory is on another node, so no script can write both. The order is safe: adding a name
    // twice counts it once, and a name without a user is counted until somebody takes it.
    await this.#db.ask((redis) => redis.sadd(USER_DIRECTORY, fold(user)))
    const keys = [userIdempotencyKey('createUser', { ...mutation, by: user }), userKeys(user).record]
    await this.#db.run('createUser', keys, [user, passwordHash, mutation.at], user)
  }

  async get(user: string): Promise<UserRecord | null> {
    const record = await this.#db.ask((redis) => redis.hgetall(userKeys(user).record))
    if (record.user !== user) return null
    return { user, passwordHash: record.passwordHash ?? '', created: record.created ?? '' }
  }

  async setPassword(
    mutation: Mutation,
    change: { passwordHash: string; previousHash: string; keepTokenHash?: string },
  ): Promise<void> {
    const user = mutation.by
    const { record, sessions, sessionPrefix } = userKeys(user)
    const revoked = await this.#db.run(
      'setPassword',
      [userIdempotencyKey('setPassword', mutation), record, sessions, sessionPrefix],
      [user, change.passwordHash, change.previousHash, change.keepTokenHash ?? '', REVOCATION_CHANNEL],
      user,
    )
    this.#cache.revoke(JSON.parse(revoked) as string[])
  }

  count(): Promise<number> {
    return this.#db.ask((redis) => redis.scard(USER_DIRECTORY))
  }
}
