import { LRUCache } from 'lru-cache'
import { REVOCATION_CHANNEL } from '../keys.ts'
import type { PubSub } from '../pubsub.ts'
import type { Session } from '../store.ts'

const MAX_SESSIONS = 10_000
/** The longest that a replica keeps a revoked session when it loses the revocation message unnoticed. */
const TTL_MS = 5000

interface CachedSession {
  session: Session
  /** Milliseconds since the epoch. */
  until: number
}

/** Recently read sessions. A revocation on any replica removes its entry. */
export class SessionCache {
  readonly #sessions = new LRUCache<string, CachedSession>({ max: MAX_SESSIONS })
  readonly #pubsub: PubSub
  readonly #onMessage = (message: Buffer): void => this.revoke(JSON.parse(message.toString()) as string[])
  #generation = 0

  constructor(pubsub: PubSub) {
    this.#pubsub = pubsub
    pubsub.onLost(() => this.#clear())
    pubsub.onRestored(() => this.#clear())
  }

  async listen(): Promise<void> {
    await this.#pubsub.subscribe(REVOCATION_CHANNEL, this.#onMessage)
  }

  /** The session, if it is cached and has not expired. */
  peek(tokenHash: string): Session | null {
    const cached = this.#sessions.peek(tokenHash)
    return cached && cached.until > Date.now() ? cached.session : null
  }

  /** The cached session, or else the one that `read` returns. */
  async get(tokenHash: string, read: () => Promise<Session | null>): Promise<Session | null> {
    const cached = this.peek(tokenHash)
    if (cached) return cached
    const generation = this.#generation
    const session = await read()
    // A revocation that arrived during the read may be newer than the answer.
    if (session && generation === this.#generation && this.#pubsub.connected)
      this.#sessions.set(tokenHash, {
        session,
        until: Math.min(Date.now() + TTL_MS, Date.parse(session.expires)),
      })
    return session
  }

  revoke(tokenHashes: readonly string[]): void {
    this.#generation++
    for (const tokenHash of tokenHashes) this.#sessions.delete(tokenHash)
  }

  #clear(): void {
    this.#generation++
    this.#sessions.clear()
  }
}
