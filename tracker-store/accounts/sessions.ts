import type { Database } from '../database.ts'
import { REVOCATION_CHANNEL, userIdempotencyKey, userKeys } from '../keys.ts'
import type { Mutation, Session, SessionStore } from '../store.ts'
import type { SessionCache } from './session-cache.ts'

export class RedisSessions implements SessionStore {
  readonly #db: Database
  readonly #cache: SessionCache

  constructor(db: Database, cache: SessionCache) {
    this.#db = db
    this.#cache = cache
  }

  async create(
    mutation: Mutation,
    { tokenHash, expires, scope }: { tokenHash: string; expires: string; scope: Session['scope'] },
  ): Promise<void> {
    const user = mutation.by
    const session: Session = { user, created: mutation.at, expires, scope }
    const { record, sessions, sessionPrefix } = userKeys(user)
    await this.#db.run(
      'createSession',
      [userIdempotencyKey('createSession', mutation), record, sessions, sessionPrefix],
      [user, tokenHash, JSON.stringify(session), Date.parse(expires), Date.parse(mutation.at)],
      user,
    )
  }

  cached(user: string, tokenHash: string): Session | null {
    const session = this.#cache.peek(tokenHash)
    return session?.user === user ? session : null
  }

  async get(user: string, tokenHash: string): Promise<Session | null> {
    const session = await this.#cache.get(tokenHash, () => this.#read(user, tokenHash))
    const valid = session !== null && session.user === user && Date.parse(session.expires) > Date.now()
    return valid ? session : null
  }

  async revoke(mutation: Mutation, tokenHash: string): Promise<void> {
    const { sessions, sessionPrefix } = userKeys(mutation.by)
    const keys = [userIdempotencyKey('revokeSession', mutation), sessions, sessionPrefix]
    await this.#db.run('revokeSession', keys, [tokenHash, REVOCATION_CHANNEL], mutation.by)
    this.#cache.revoke([tokenHash])
  }

  async #read(user: string, tokenHash: string): Promise<Session | null> {
    const json = await this.#db.ask((redis) => redis.get(userKeys(user).sessionPrefix + tokenHash))
    return json === null ? null : (JSON.parse(json) as Session)
  }
}
