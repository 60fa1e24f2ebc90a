import { type Home, World } from '../../testkit/shoal.ts'

const world = new World()
let ada: Home
let bob: Home
let cyd: Home
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob, cyd] = await world.users('ada', 'bob', 'cyd')
})
afterAll(() => world.close())

test('a group is created, joined by request, and managed by its owner', async () => {
  const created = await ada.ok('group create team')
  expect(created).toMatchObject({ group: 'team', owner: 'ada', role: 'owner', files: 0 })
  expect(created.members).toEqual([expect.objectContaining({ user: 'ada', role: 'owner' })])
  expect(await bob.ok('group list')).toEqual({
    groups: [{ group: 'team', owner: 'ada', members: 1, role: null }],
  })

  await bob.ok('group join team')
  await cyd.ok('group join team')
  expect(await ada.ok('group requests team')).toEqual({
    requests: [
      { user: 'bob', since: expect.stringMatching(/^\d{4}-.*Z$/) },
      { user: 'cyd', since: expect.any(String) },
    ],
  })
  await ada.ok('group accept team bob cyd')
  expect(await ada.ok('group requests team')).toEqual({ requests: [] })
  const shown = await bob.ok('group show team')
  expect(shown).toMatchObject({ group: 'team', owner: 'ada', role: 'member' })
  expect((shown.members as { user: string }[]).map(({ user }) => user).sort()).toEqual(['ada', 'bob', 'cyd'])
  expect(shown.revision).toBeGreaterThan(created.revision as number)
  expect(await bob.ok('group files team')).toEqual({ files: [] })
})

test('only admins can accept and remove members, and only the owner can promote', async () => {
  await ada.ok('group create rights')
  await bob.ok('group join rights')
  expect(await bob.fails('group requests rights')).toMatchObject({ exit: 4, code: 'NOT_A_MEMBER' })
  expect(await bob.fails('group files rights')).toMatchObject({ exit: 4, code: 'NOT_A_MEMBER' })
  expect(await cyd.fails('group accept rights bob')).toMatchObject({ exit: 4 })
  await ada.ok('group accept rights bob')
  await cyd.ok('group join rights')
  expect(await bob.fails('group requests rights')).toMatchObject({ exit: 4, code: 'NOT_AN_ADMIN' })
  expect(await bob.fails('group accept rights cyd')).toMatchObject({ exit: 4, code: 'NOT_AN_ADMIN' })
  expect(await bob.fails('group promote rights bob')).toMatchObject({ exit: 4, code: 'NOT_THE_OWNER' })
  expect(await ada.ok('group promote rights bob')).toMatchObject({ user: 'bob', role: 'admin' })
  await bob.ok('group accept rights cyd')
  expect(await bob.fails('group kick rights ada')).toMatchObject({ exit: 4, code: 'NOT_THE_OWNER' })
  await bob.ok('group kick rights cyd')
  expect(await cyd.fails('group files rights')).toMatchObject({ exit: 4, code: 'NOT_A_MEMBER' })
})

test('a decision about several users applies to all of them or none', async () => {
  await ada.ok('group create both')
  await bob.ok('group join both')
  expect(await ada.fails('group accept both bob cyd')).toMatchObject({ exit: 5, code: 'REQUEST_NOT_FOUND' })
  expect(await ada.ok('group requests both')).toMatchObject({ requests: [{ user: 'bob' }] })
  expect(await ada.ok('group reject both bob')).toMatchObject({ group: 'both', rejected: ['bob'] })
  await bob.ok('group join both')
})

test('the owner cannot leave members without an admin, and an empty group is removed', async () => {
  await ada.ok('group create empty')
  await bob.ok('group join empty')
  await ada.ok('group accept empty bob')
  expect(await ada.fails('group leave empty')).toMatchObject({ exit: 6, code: 'LAST_OWNER' })
  await ada.ok('group promote empty bob')
  expect(await ada.ok('group leave empty')).toMatchObject({ group: 'empty', removed: false, heir: 'bob' })
  expect(await bob.ok('group show empty')).toMatchObject({ owner: 'bob', role: 'owner' })
  expect(await bob.ok('group leave empty')).toMatchObject({ removed: true })
  expect(await bob.fails('group show empty')).toMatchObject({ exit: 5, code: 'GROUP_NOT_FOUND' })
})

test('conflicts exit with 6 and missing things with 5', async () => {
  await ada.ok('group create twice')
  expect(await bob.fails('group create twice')).toMatchObject({ exit: 6, code: 'GROUP_TAKEN' })
  expect(await ada.fails('group join twice')).toMatchObject({ exit: 6, code: 'ALREADY_MEMBER' })
  await bob.ok('group join twice')
  expect(await bob.fails('group join twice')).toMatchObject({ exit: 6, code: 'ALREADY_REQUESTED' })
  expect(await ada.fails('group join nowhere')).toMatchObject({ exit: 5, code: 'GROUP_NOT_FOUND' })
  expect(await ada.fails('group kick twice bob')).toMatchObject({ exit: 5, code: 'MEMBER_NOT_FOUND' })
})

test('the names of the older client work', async () => {
  await ada.ok('create_group older')
  await bob.ok('join_group older')
  expect(await ada.ok('list_requests older')).toMatchObject({ requests: [{ user: 'bob' }] })
  await ada.ok('accept older bob')
  expect(await bob.ok('list_groups')).toMatchObject({
    groups: expect.arrayContaining([{ group: 'older', owner: 'ada', members: 2, role: 'member' }]),
  })
  await bob.ok('leave_group older')
})
