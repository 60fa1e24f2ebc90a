import { ShoalError } from '../../protocol/errors.ts'
import { checkUserName } from '../../protocol/names.ts'
import { Credentials, PasswordChange, UserBody } from '../../tracker-client/api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf, mutationOf } from '../auth/authenticate.ts'
import { checkNewPassword } from '../auth/passwords.ts'
import type { Services } from '../services.ts'
import { Change, Nothing } from './common.ts'

export function userRoutes(app: TrackerApp, { store, passwords }: Services): void {
  app.post(
    '/users',
    {
      config: { access: 'public' },
      schema: { tags: ['users'], headers: Change, body: Credentials, response: { 201: UserBody } },
    },
    async (request, reply) => {
      const user = checkUserName(request.body.user)
      checkNewPassword(request.body.password)
      // If the store is away, fail here, before the costly hashing.
      await store.users.get(user)
      const passwordHash = await passwords.hash(request.body.password)
      await store.users.create(mutationOf(request, user), { user, passwordHash })
      // A reused key does not prove who this is. Only the same password repeats the first registration.
      const stored = (await store.users.get(user))?.passwordHash ?? null
      if (stored !== passwordHash && !(await passwords.matches(request.body.password, stored)))
        throw new ShoalError('USER_TAKEN', `the user name ${user} is taken`, {
          hint: 'choose another one, or log in if it is yours',
        })
      return reply.code(201).send({ user })
    },
  )

  app.get('/users/me', { schema: { tags: ['users'], response: { 200: UserBody } } }, async (request) => ({
    user: actorOf(request).user,
  }))

  app.put(
    '/users/me/password',
    { schema: { tags: ['users'], headers: Change, body: PasswordChange, response: { 204: Nothing } } },
    async (request, reply) => {
      const { user, tokenHash } = actorOf(request)
      checkNewPassword(request.body.new)
      const stored = (await store.users.get(user))?.passwordHash ?? null
      if (stored !== null && (await passwords.matches(request.body.old, stored))) {
        const passwordHash = await passwords.hash(request.body.new)
        const change = { passwordHash, previousHash: stored, keepTokenHash: tokenHash }
        await store.users.setPassword(mutationOf(request), change)
      } else if (!(await passwords.matches(request.body.new, stored))) {
        // If the new password is already set, this repeats a change whose answer was lost.
        throw new ShoalError('WRONG_PASSWORD', 'the old password is wrong')
      }
      return reply.code(204).send(null)
    },
  )
}
