import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { ShoalError } from '../../protocol/errors.ts'
import { GRANT_LIFETIME_S } from '../../protocol/grants.ts'
import { IDEMPOTENCY_HEADER } from '../../tracker-client/api/headers.ts'
import type { Mutation, Session, SessionStore } from '../../tracker-store/store.ts'
import { hashToken, userOfToken } from './tokens.ts'

/** The user who makes a request. */
export interface Actor extends Session {
  tokenHash: string
}

declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor | null
  }
  interface FastifyContextConfig {
    /** `public`: no session needed. `read`: a read-only session is enough. */
    access?: 'public' | 'read'
  }
}

/** The user of a header, and when the store last confirmed the session. */
interface Known {
  actor: Actor
  at: number
}

/** How long a session remains valid while the store does not answer. */
const BELIEVED_MS = GRANT_LIFETIME_S * 1000

/**
 * Finds the session of `Authorization: Bearer` before the body is read, on all routes but public ones. While Redis is
 * away, sessions confirmed within the last grant lifetime stay valid: nobody can revoke one then, and their grants work
 * for as long anyway. Such answers carry their `Age` (RFC 9111).
 */
export class Authenticator {
  readonly #sessions: SessionStore
  /** Keyed by the whole header, so that it is parsed and hashed only once. */
  readonly #known = new LRUCache<string, Known>({ max: 10_000 })

  constructor(sessions: SessionStore) {
    this.#sessions = sessions
  }

  /** Sets `request.actor`, or throws. Waits only for a session that is not in memory. */
  authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { access } = request.routeOptions.config
    if (access === 'public') return
    const header = request.headers.authorization ?? ''
    const actor = this.fromMemory(header)
    if (!actor) return this.#ask(header, this.#known.peek(header), request, reply)
    enter(request, actor)
  }

  /** The sender of this header, without asking Redis. Null means unknown, not invalid. */
  fromMemory(header: string): Actor | null {
    const known = this.#known.peek(header)
    if (!known || !this.#sessions.cached(known.actor.user, known.actor.tokenHash)) return null
    known.at = Date.now()
    return known.actor
  }

  /** The sender of this header as Redis has it now. Null if the session is invalid, or if only an old answer exists. */
  async fromRedis(header: string): Promise<Actor | null> {
    const before = this.#known.peek(header)
    const known = await this.#find(header, before)
    return known === before ? null : known.actor
  }

  async #ask(
    header: string,
    before: Known | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { actor, at } = await this.#find(header, before)
    const age = Math.floor((Date.now() - at) / 1000)
    if (age > 0) reply.header('age', age)
    enter(request, actor)
  }

  async #find(header: string, before: Known | undefined): Promise<Known> {
    const { user, tokenHash } = before?.actor ?? readToken(header)
    try {
      const session = await this.#sessions.get(user, tokenHash)
      if (session) {
        const known = { actor: { ...session, tokenHash }, at: Date.now() }
        this.#known.set(header, known)
        return known
      }
      this.#known.delete(header)
    } catch (error) {
      if (!before || !(error instanceof ShoalError)) throw error
      const now = Date.now()
      if (now - before.at < BELIEVED_MS && Date.parse(before.actor.expires) > now) return before
    }
    throw invalid()
  }
}

function enter(request: FastifyRequest, actor: Actor): void {
  const { access } = request.routeOptions.config
  if (actor.scope === 'read' && request.method !== 'GET' && access !== 'read')
    throw new ShoalError('SCOPE_TOO_NARROW', 'this token is read-only')
  request.actor = actor
}

function readToken(authorization: string): { user: string; tokenHash: string } {
  if (authorization === '')
    throw new ShoalError('NOT_LOGGED_IN', 'you are not logged in', { hint: 'run `shoal user login NAME`' })
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? []
  const user = token === undefined ? null : userOfToken(token)
  if (token === undefined || user === null) throw invalid()
  return { user, tokenHash: hashToken(token) }
}

function invalid(): ShoalError {
  return new ShoalError('TOKEN_INVALID', 'your session has expired or was revoked', {
    hint: 'run `shoal user login NAME`',
  })
}

export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === null) throw new Error('a public route asked for its caller')
  return request.actor
}

/** The mutation of this request. The schema has already checked that the key is present. */
export function mutationOf(request: FastifyRequest, by: string = actorOf(request).user): Mutation {
  return { key: String(request.headers[IDEMPOTENCY_HEADER]), by, at: new Date().toISOString() }
}
