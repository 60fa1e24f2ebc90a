import type { FastifyRequest } from 'fastify'
import { ShoalError } from '../../protocol/errors.ts'
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

/** Finds the session of `Authorization: Bearer`, before the body is read, for all but public routes. */
export async function authenticate(sessions: SessionStore, request: FastifyRequest): Promise<void> {
  const { access } = request.routeOptions.config
  if (access === 'public') return
  const actor = await findActor(sessions, request.headers.authorization)
  if (actor.scope === 'read' && request.method !== 'GET' && access !== 'read')
    throw new ShoalError('SCOPE_TOO_NARROW', 'this token may only read')
  request.actor = actor
}

async function findActor(sessions: SessionStore, authorization: string | undefined): Promise<Actor> {
  if (authorization === undefined)
    throw new ShoalError('NOT_LOGGED_IN', 'you are not logged in', { hint: 'run `shoal user login NAME`' })
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? []
  const user = token === undefined ? null : userOfToken(token)
  if (token === undefined || user === null) throw invalid()
  const tokenHash = hashToken(token)
  const session = await sessions.get(user, tokenHash)
  if (session === null || Date.parse(session.expires) <= Date.now()) throw invalid()
  return { ...session, tokenHash }
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
