import { ShoalError } from '../../protocol/errors.ts'
import { checkUserName } from '../../protocol/names.ts'
import { Credentials, SessionBody } from '../../tracker-client/api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf, mutationOf } from '../auth/authenticate.ts'
import { hashToken, newToken, SESSION_MS } from '../auth/tokens.ts'
import type { Services } from '../services.ts'
import { Change, Nothing } from './common.ts'

export function sessionRoutes(app: TrackerApp, { store, passwords, loginLimit }: Services): void {
  app.post(
    '/sessions',
    {
      config: { access: 'public' },
      schema: { tags: ['sessions'], headers: Change, body: Credentials, response: { 201: SessionBody } },
    },
    async (request, reply) => {
      const { password } = request.body
      const user = checkUserName(request.body.user)
      loginLimit.check(user, request.ip)
      const record = await store.users.get(user)
      if (!(await passwords.matches(password, record?.passwordHash ?? null))) {
        loginLimit.failed(user, request.ip)
        throw new ShoalError('WRONG_PASSWORD', 'the user name or password is wrong')
      }
      loginLimit.succeeded(user, request.ip)
      const token = newToken(user)
      const tokenHash = hashToken(token)
      const expires = new Date(Date.now() + SESSION_MS).toISOString()
      // A repeated login creates another session: tokens are not stored, so the first one cannot be returned again.
      const mutation = { ...mutationOf(request, user), key: tokenHash }
      await store.sessions.create(mutation, { tokenHash, expires, scope: 'write' })
      return reply.code(201).send({ user, token, expires })
    },
  )

  app.delete(
    '/sessions/current',
    {
      config: { access: 'read' },
      schema: { tags: ['sessions'], headers: Change, response: { 204: Nothing } },
    },
    async (request, reply) => {
      await store.sessions.revoke(mutationOf(request), actorOf(request).tokenHash)
      return reply.code(204).send(null)
    },
  )
}
