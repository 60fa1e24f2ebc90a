import { until } from '../../../testkit/until.ts'
import { by, code, type Fixture, fresh } from './fixture.ts'

export function describeUsers(fixture: Fixture): void {
  describe('users and sessions', () => {
    const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString()

    test('a user is found by the exact name on every replica', async () => {
      const user = fresh('Ann')
      await fixture.a.users.create(by(user), { user, passwordHash: 'hash' })
      expect(await fixture.b.users.get(user)).toMatchObject({ user, passwordHash: 'hash' })
      expect(await fixture.b.users.get(user.toLowerCase())).toBeNull()
      expect(await fixture.b.users.get(fresh('nobody'))).toBeNull()
    })

    test('names that differ only in case collide', async () => {
      const user = fresh('Bob')
      await fixture.a.users.create(by(user), { user, passwordHash: 'hash' })
      const other = user.toUpperCase()
      await expect(
        fixture.b.users.create(by(other), { user: other, passwordHash: 'x' }),
      ).rejects.toMatchObject({ code: 'USER_TAKEN', message: expect.stringContaining(user) })
    })

    test.each(['constructor', 'toString', 'hasOwnProperty'])('%s is an ordinary user name', async (user) => {
      expect(await fixture.a.users.get(user)).toBeNull()
      await fixture.a.users.create(by(user), { user, passwordHash: 'hash' })
      expect(await fixture.a.users.get(user)).toMatchObject({ user })
    })

    test('a repeated registration counts once, and a refused one does not count', async () => {
      const before = await fixture.a.users.count()
      const user = fresh('carl')
      const mutation = by(user)
      for (const store of [fixture.a, fixture.b, fixture.a])
        await store.users.create(mutation, { user, passwordHash: 'hash' })
      await expect(fixture.a.users.create(by(user), { user, passwordHash: 'x' })).rejects.toEqual(
        code('USER_TAKEN'),
      )
      expect(await fixture.b.users.count()).toBe(before + 1)
    })

    async function userWithSessions(...tokens: string[]): Promise<string> {
      const user = fresh('dora')
      await fixture.a.users.create(by(user), { user, passwordHash: 'old' })
      for (const tokenHash of tokens)
        await fixture.a.sessions.create(by(user), { tokenHash, expires: inAnHour(), scope: 'write' })
      return user
    }

    test('a session is valid only for its user and until it expires', async () => {
      const user = await userWithSessions('t1')
      expect(await fixture.b.sessions.get(user, 't1')).toMatchObject({ user, scope: 'write' })
      expect(await fixture.b.sessions.get(user, 't2')).toBeNull()
      expect(await fixture.b.sessions.get('somebody', 't1')).toBeNull()
      const expires = new Date(Date.now() - 1).toISOString()
      await fixture.a.sessions.create(by(user), { tokenHash: 't3', expires, scope: 'read' })
      expect(await fixture.b.sessions.get(user, 't3')).toBeNull()
    })

    test('a session cannot be created for a missing user', async () => {
      const session = { tokenHash: 't', expires: inAnHour(), scope: 'read' } as const
      await expect(fixture.a.sessions.create(by(fresh('nobody')), session)).rejects.toEqual(
        code('USER_NOT_FOUND'),
      )
    })

    test('a revoked session ends at once on its replica and soon on the others', async () => {
      const user = await userWithSessions('r1')
      expect(await fixture.a.sessions.get(user, 'r1')).not.toBeNull()
      expect(await fixture.b.sessions.get(user, 'r1')).not.toBeNull()
      const mutation = by(user)
      expect(fixture.a.sessions.cached(user, 'r1')).toMatchObject({ user })
      expect(fixture.a.sessions.cached('somebody', 'r1')).toBeNull()
      await fixture.a.sessions.revoke(mutation, 'r1')
      expect(fixture.a.sessions.cached(user, 'r1')).toBeNull()
      expect(await fixture.a.sessions.get(user, 'r1')).toBeNull()
      await until(async () => (await fixture.b.sessions.get(user, 'r1')) === null, 500)
      await fixture.b.sessions.revoke(mutation, 'r1')
    })

    test('a new password ends all sessions but the named one on all replicas', async () => {
      const user = await userWithSessions('p1', 'p2', 'p3')
      for (const token of ['p1', 'p2', 'p3']) await fixture.b.sessions.get(user, token)
      const change = { passwordHash: 'new', previousHash: 'old', keepTokenHash: 'p2' }
      const mutation = by(user)
      await fixture.a.users.setPassword(mutation, change)
      await fixture.a.users.setPassword(mutation, change)
      expect(await fixture.a.users.get(user)).toMatchObject({ passwordHash: 'new' })
      expect(await fixture.a.sessions.get(user, 'p1')).toBeNull()
      await until(async () => (await fixture.b.sessions.get(user, 'p3')) === null, 500)
      expect(await fixture.b.sessions.get(user, 'p2')).not.toBeNull()
      await expect(fixture.a.users.setPassword(by(user), change)).rejects.toEqual(code('WRONG_PASSWORD'))
    })
  })
}
