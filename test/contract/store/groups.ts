import type { Mutation, Store } from '../../../tracker-store/store.ts'
import { by, code, type Fixture, fresh, makeGroup } from './fixture.ts'

export function describeGroups(fixture: Fixture): void {
  const roles = async (store: Store, group: string, atLeast?: number): Promise<Record<string, string>> =>
    Object.fromEntries(
      [...((await store.groups.view(group, atLeast))?.members.values() ?? [])].map(({ user, role }) => [
        user,
        role,
      ]),
    )

  describe('groups', () => {
    test('the creator owns the group, and every replica sees it at once at its revision', async () => {
      const group = fresh('Team')
      const { revision } = await fixture.a.groups.create(by('ann'), group)
      expect(revision).toBe(1)
      const view = await fixture.b.groups.view(group, revision)
      expect(view).toMatchObject({ group, owner: 'ann', revision: 1 })
      expect(await roles(fixture.b, group)).toEqual({ ann: 'owner' })
    })

    test('names that differ only in case collide, and only the exact name is found', async () => {
      const group = fresh('Team')
      await fixture.a.groups.create(by('ann'), group)
      const other = group.toUpperCase()
      await expect(fixture.b.groups.create(by('bob'), other)).rejects.toEqual(code('GROUP_TAKEN'))
      expect(await fixture.a.groups.view(other)).toBeNull()
      await expect(fixture.a.groups.request(by('bob'), other)).rejects.toEqual(code('GROUP_NOT_FOUND'))
      expect((await fixture.a.groups.list('', 1000)).groups.map((g) => g.group)).not.toContain(other)
    })

    test.each(['constructor', 'valueOf'])('%s is an ordinary group name', async (group) => {
      expect(await fixture.a.groups.view(group)).toBeNull()
      await makeGroup(fixture.a, group, 'constructor', 'toString')
      expect(await roles(fixture.a, group)).toEqual({ constructor: 'owner', toString: 'member' })
    })

    test('an admin accepts all of the named requests or none', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann', 'bob')
      await fixture.a.groups.request(by('carl'), group)
      await expect(fixture.a.groups.request(by('carl'), group)).rejects.toEqual(code('ALREADY_REQUESTED'))
      await expect(fixture.a.groups.request(by('bob'), group)).rejects.toEqual(code('ALREADY_MEMBER'))
      await expect(fixture.a.groups.accept(by('bob'), group, ['carl'])).rejects.toEqual(code('NOT_AN_ADMIN'))
      await expect(fixture.a.groups.accept(by('ann'), group, ['carl', 'dora'])).rejects.toEqual(
        code('REQUEST_NOT_FOUND'),
      )
      const { revision } = await fixture.a.groups.accept(by('ann'), group, ['carl', 'carl'])
      expect(await roles(fixture.b, group, revision)).toEqual({ ann: 'owner', bob: 'member', carl: 'member' })
      expect((await fixture.b.groups.view(group))?.requests.size).toBe(0)
    })

    test('a rejected user can ask again', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      await fixture.a.groups.request(by('bob'), group)
      await expect(fixture.a.groups.reject(by('bob'), group, ['bob'])).rejects.toEqual(code('NOT_AN_ADMIN'))
      await fixture.a.groups.reject(by('ann'), group, ['bob'])
      await expect(fixture.a.groups.reject(by('ann'), group, ['bob'])).rejects.toEqual(
        code('REQUEST_NOT_FOUND'),
      )
      await fixture.a.groups.request(by('bob'), group)
    })

    test('admins can remove members, only the owner can remove admins, and nobody can remove the owner', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann', 'bob', 'carl', 'dora')
      await expect(fixture.a.groups.promote(by('bob'), group, 'carl')).rejects.toEqual(code('NOT_THE_OWNER'))
      expect(await fixture.a.groups.promote(by('ann'), group, 'bob')).toMatchObject({ role: 'admin' })
      await fixture.a.groups.promote(by('ann'), group, 'carl')
      await expect(fixture.a.groups.promote(by('ann'), group, 'bob')).rejects.toEqual(code('ALREADY_ADMIN'))
      await expect(fixture.a.groups.promote(by('ann'), group, 'eve')).rejects.toEqual(
        code('MEMBER_NOT_FOUND'),
      )
      const kick = (user: string, ...users: string[]) => fixture.a.groups.kick(by(user), group, users)
      await expect(kick('dora', 'bob')).rejects.toEqual(code('NOT_AN_ADMIN'))
      await expect(kick('bob', 'carl')).rejects.toEqual(code('NOT_THE_OWNER'))
      await expect(kick('bob', 'ann')).rejects.toEqual(code('NOT_THE_OWNER'))
      await expect(kick('bob', 'dora', 'eve')).rejects.toEqual(code('MEMBER_NOT_FOUND'))
      await kick('bob', 'dora')
      const { revision } = await kick('ann', 'carl')
      expect(await roles(fixture.b, group, revision)).toEqual({ ann: 'owner', bob: 'admin' })
    })

    test('the longest-serving admin inherits the group of an owner who leaves', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      for (const [user, at] of [
        ['carl', 2],
        ['bob', 3],
        ['abe', 1],
      ] as const) {
        await fixture.a.groups.request(by(user), group)
        await fixture.a.groups.accept(by('ann', new Date(at)), group, [user])
      }
      await expect(fixture.a.groups.leave(by('ann'), group)).rejects.toEqual(code('LAST_OWNER'))
      await fixture.a.groups.promote(by('ann'), group, 'bob')
      await fixture.a.groups.promote(by('ann'), group, 'carl')
      const answer = await fixture.a.groups.leave(by('ann'), group)
      expect(answer).toMatchObject({ removed: false, heir: 'carl' })
      expect(await roles(fixture.b, group, answer.revision)).toEqual({
        abe: 'member',
        carl: 'owner',
        bob: 'admin',
      })
      expect((await fixture.b.groups.view(group))?.owner).toBe('carl')
      await expect(fixture.a.groups.leave(by('ann'), group)).rejects.toEqual(code('NOT_A_MEMBER'))
    })

    test('the group is removed when its last member leaves, and a new group of that name continues its revisions', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      await fixture.b.groups.view(group)
      const gone = await fixture.a.groups.leave(by('ann'), group)
      expect(gone).toMatchObject({ removed: true, heir: null, revision: 2 })
      expect(await fixture.b.groups.view(group, gone.revision)).toBeNull()
      await expect(fixture.a.groups.request(by('bob'), group)).rejects.toEqual(code('GROUP_NOT_FOUND'))
      const again = await fixture.b.groups.create(by('bob'), group)
      expect(again.revision).toBe(3)
      expect(await roles(fixture.a, group, 3)).toEqual({ bob: 'owner' })
    })

    test('groups are listed in byte order, in pages, with only public facts for non-members', async () => {
      const stem = fresh('list')
      const groups = ['B', 'a', 'c', 'D', 'e'].map((letter) => `${stem}-${letter}`)
      for (const group of groups) await makeGroup(fixture.a, group, 'ann', 'bob')
      await fixture.a.groups.leave(by('bob'), groups[2]!)
      await fixture.a.groups.leave(by('ann'), groups[2]!)
      const found: string[] = []
      let after: string | null = stem
      while (after !== null && (found.at(-1) ?? stem).startsWith(stem)) {
        const page = await fixture.b.groups.list(after, 2)
        expect(page.groups.length).toBeLessThanOrEqual(2)
        found.push(...page.groups.map((g) => g.group))
        expect(page.groups[0] ?? { owner: 'ann' }).toMatchObject({ owner: expect.any(String) })
        after = page.next
      }
      expect(found.filter((group) => group.startsWith(stem))).toEqual(
        ['B', 'D', 'a', 'e'].map((letter) => `${stem}-${letter}`),
      )
      const summary = { group: `${stem}-B`, owner: 'ann', members: 2, files: 0 }
      expect((await fixture.b.groups.list(stem, 1)).groups).toEqual([{ ...summary, role: null }])
      expect((await fixture.b.groups.list(stem, 1, 'bob')).groups).toEqual([{ ...summary, role: 'member' }])
    })

    test('the count follows created and removed groups, and drops a name without a group', async () => {
      const before = await fixture.a.groups.count()
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      expect(await fixture.b.groups.count()).toBe(before + 1)
      await fixture.a.groups.leave(by('ann'), group)
      await fixture.raw.zadd('{groups}', 0, group)
      await fixture.a.groups.list('', 1000)
      expect(await fixture.b.groups.count()).toBe(before)
    })
  })

  describe('a repeated mutation', () => {
    const changes: [string, (store: Store, group: string, mutation: Mutation) => Promise<unknown>, string][] =
      [
        ['request', (store, group, m) => store.groups.request(m, group), 'eve'],
        ['accept', (store, group, m) => store.groups.accept(m, group, ['dora']), 'ann'],
        ['reject', (store, group, m) => store.groups.reject(m, group, ['dora']), 'ann'],
        ['leave', (store, group, m) => store.groups.leave(m, group), 'carl'],
        ['kick', (store, group, m) => store.groups.kick(m, group, ['carl']), 'ann'],
        ['promote', (store, group, m) => store.groups.promote(m, group, 'carl'), 'ann'],
      ]

    test.each(changes)('%s returns the first answer and changes nothing', async (_, change, user) => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann', 'carl')
      await fixture.a.groups.request(by('dora'), group)
      const mutation = by(user)
      const answer = (await change(fixture.a, group, mutation)) as { revision: number }
      expect(await change(fixture.b, group, mutation)).toEqual(answer)
      expect((await fixture.b.groups.view(group, answer.revision))?.revision).toBe(answer.revision)
      await expect(change(fixture.a, group, by(user))).rejects.toMatchObject({ code: expect.any(String) })
    })

    test('creating and removing a group return the first answer too', async () => {
      const group = fresh('g')
      const [make, end] = [by('ann'), by('ann')]
      const made = await fixture.a.groups.create(make, group)
      expect(await fixture.b.groups.create(make, group)).toEqual(made)
      const left = await fixture.a.groups.leave(end, group)
      expect(await fixture.b.groups.leave(end, group)).toEqual(left)
      expect(await fixture.b.groups.view(group, left.revision)).toBeNull()
    })

    test('a refused mutation stays refused when its first attempt arrives late', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann')
      await fixture.a.groups.request(by('dora'), group)
      const again = by('dora')
      await expect(fixture.a.groups.request(again, group)).rejects.toEqual(code('ALREADY_REQUESTED'))
      await fixture.a.groups.reject(by('ann'), group, ['dora'])
      await expect(fixture.b.groups.request(again, group)).rejects.toEqual(code('ALREADY_REQUESTED'))
      await fixture.b.groups.request(by('dora'), group)
    })

    test('the same key of another user is a different mutation', async () => {
      const group = fresh('g')
      await makeGroup(fixture.a, group, 'ann', 'bob')
      const mutation = by('ann')
      await fixture.a.groups.promote(mutation, group, 'bob')
      await expect(fixture.a.groups.promote({ ...mutation, by: 'carl' }, group, 'bob')).rejects.toEqual(
        code('NOT_THE_OWNER'),
      )
    })
  })
}
