import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { ShoalError } from '../../protocol/errors.ts'
import { GRANT_LIFETIME_S } from '../../protocol/grants.ts'
import type { Mutation, Session, SessionStore } from '../../tracker-store/store.ts'
import { IDEMPOTENCY_HEADER } from '../api/headers.ts'
import { hashToken, userOfToken } from './tokens.ts'

/** Who makes a request. */
export interface Actor extends Session {
  tokenHash: string
}

declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor | null
  }
  interface FastifyContextConfig {
    /** `public`: without a session. `read`: also with a session that may only read. */
    access?: 'public' | 'read'
  }
}

/** A session, and when the store last vouched for it. */
interface Verified {
  session: Session
  at: number
}

/**
 * Finds the session of `Authorization: Bearer`, before the body is read, for all but public routes. While
 * Redis is away, sessions that were good within the last grant lifetime stay so: nobody can revoke one then,
 * and whoever is cut off from the fleet serves files for as long. Such answers carry their `Age` (RFC 9111).
 */
export class Authenticator {
  readonly #sessions: SessionStore
  readonly #verified = new LRUCache<string, Verified>({ max: 10_000, ttl: GRANT_LIFETIME_S * 1000 })

  constructor(sessions: SessionStore) {
    this.#sessions = sessions
  }

  async authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access } = request.routeOptions.config
    if (access === 'public') return
    const { user, tokenHash } = readToken(request.headers.authorization)
    const { session, at } = await this.#find(user, tokenHash)
    const age = Math.floor((Date.now() - at) / 1000)
    if (age > 0) reply.header('age', age)
    if (session.scope === 'read' && request.method !== 'GET' && access !== 'read')
      throw new ShoalError('SCOPE_TOO_NARROW', 'this token may only read')
    request.actor = { ...session, tokenHash }
  }

  async #find(user: string, tokenHash: string): Promise<Verified> {
    try {
      const session = await this.#sessions.get(user, tokenHash)
      const verified = session && { session, at: Date.now() }
      if (verified) this.#verified.set(tokenHash, verified)
      else this.#verified.delete(tokenHash)
      if (verified) return verified
    } catch (error) {
      const verified = this.#verified.get(tokenHash)
      if (!verified || !(error instanceof ShoalError)) throw error
      if (Date.parse(verified.session.expires) > Date.now()) return verified
    }
    throw invalid()
  }
}

function readToken(authorization: string | undefined): { user: string; tokenHash: string } {
  if (authorization === undefined)
    throw new ShoalError('NOT_LOGGED_IN', 'you are not logged in', { hint: 'run `shoal user login NAME`' })
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? []
  const user = token === undefined ? null : userOfToken(token)
  if (token === undefined || user === null) throw invalid()
  return { user, tokenHash: hashToken(token) }
}

function invalid(): ShoalError {
  return new ShoalError('TOKEN_INVALID', 'your session has ended or was revoked', {
    hint: 'run `shoal user login NAME`',
  })
}

export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === null) throw new Error('a public route asked who calls it')
  return request.actor
}

/** The mutation that this request asks for; its schema has checked that the key is there. */
export function mutationOf(request: FastifyRequest, by: string = actorOf(request).user): Mutation {
  return { key: String(request.headers[IDEMPOTENCY_HEADER]), by, at: new Date().toISOString() }
}
