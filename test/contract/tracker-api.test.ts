import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { until } from '../../testkit/until.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { code, groupOfFour, PASSWORD, TestFleet } from '../support/tracker-fleet.ts'

let fleet: TestFleet
beforeAll(async () => {
  fleet = await TestFleet.start()
})
afterAll(() => fleet.stop())

describe('users', () => {
  test('a user registers, logs in, sees the own name, and logs out', async () => {
    const ann = fleet.anonymous()
    expect(await ann.register('ann', PASSWORD)).toEqual({ user: 'ann' })
    await expect(ann.whoami()).rejects.toMatchObject(code('NOT_LOGGED_IN'))
    const session = await ann.login('ann', PASSWORD)
    expect(session).toMatchObject({ user: 'ann', token: expect.stringMatching(/^shoal_ann\.[\w-]{43}$/) })
    expect(Date.parse(session.expires)).toBeGreaterThan(Date.now() + 29 * 24 * 3600 * 1000)
    expect(await ann.whoami()).toEqual({ user: 'ann' })
    await ann.logout()
    ann.token = session.token
    await expect(ann.whoami()).rejects.toMatchObject(code('TOKEN_INVALID'))
  })

  test('a name can be registered once in any case, and bad names and passwords are refused', async () => {
    const bea = fleet.anonymous()
    await bea.register('bea', PASSWORD)
    await expect(bea.register('BEA', PASSWORD)).rejects.toMatchObject(code('USER_TAKEN'))
    await expect(bea.register('b e a', PASSWORD)).rejects.toMatchObject(code('BAD_NAME'))
    await expect(bea.register('}{g:x}', PASSWORD)).rejects.toMatchObject(code('BAD_NAME'))
    await expect(bea.register('bea2', 'short')).rejects.toMatchObject(code('WEAK_PASSWORD'))
  })

  test('a registration can be repeated with the same key and password, but not with another password', async () => {
    const register = async (password: string) => {
      const body = { user: 'twice', password }
      const answer = await fleet.send('POST', '/v1/users', { key: 'one key', body })
      return [answer.status, answer.body.error?.code]
    }
    expect(await register(PASSWORD)).toEqual([201, undefined])
    expect(await register(PASSWORD)).toEqual([201, undefined])
    expect(await register('another password')).toEqual([409, 'USER_TAKEN'])
  })

  test('an unknown user and a wrong password get the same answer', async () => {
    await fleet.user('cid')
    const login = (user: string) =>
      fleet.send('POST', '/v1/sessions', { key: 'k', body: { user, password: 'wrong password' } })
    const [known, unknown] = [await login('cid'), await login('nobody')]
    expect(known).toEqual(unknown)
    expect(known).toMatchObject({ status: 401, body: { error: { code: 'WRONG_PASSWORD' } } })
  })

  test('a new password ends all other sessions, and a repeated change returns the first answer', async () => {
    const dan = await fleet.user('dan')
    const elsewhere = fleet.anonymous()
    await elsewhere.login('dan', PASSWORD)
    await expect(dan.changePassword('wrong password', 'another one')).rejects.toMatchObject(
      code('WRONG_PASSWORD'),
    )
    const body = { old: PASSWORD, new: 'another password' }
    const change = () => fleet.send('PUT', '/v1/users/me/password', { token: dan.token, key: 'change', body })
    expect((await change()).status).toBe(204)
    expect((await change()).status).toBe(204)
    expect(await dan.whoami()).toEqual({ user: 'dan' })
    await expect(elsewhere.whoami()).rejects.toMatchObject(code('TOKEN_INVALID'))
    await expect(elsewhere.login('dan', PASSWORD)).rejects.toMatchObject(code('WRONG_PASSWORD'))
    expect(await elsewhere.login('dan', 'another password')).toMatchObject({ user: 'dan' })
  })

  test.each(['', 'Basic abc', 'Bearer', 'Bearer x', `Bearer shoal_ann.${'A'.repeat(43)}`])(
    'the authorization %j is refused',
    async (authorization) => {
      const response = await fetch(`${fleet.url}/v1/users/me`, { headers: { authorization } })
      expect(response.status).toBe(401)
    },
  )
})

describe('groups', () => {
  test('a group is created, found, joined, managed and left', async () => {
    const { owner, admin, member, stranger } = await groupOfFour(fleet, 'story')
    await stranger.requestJoin('story')
    expect(await admin.requests('story')).toMatchObject({ requests: [{ user: 'story-stranger' }] })
    await admin.reject('story', ['story-stranger'])
    expect(await admin.requests('story')).toEqual({ requests: [] })
    expect(await member.group('story')).toMatchObject({
      group: 'story',
      owner: 'story-owner',
      role: 'member',
      members: expect.arrayContaining([expect.objectContaining({ user: 'story-admin', role: 'admin' })]),
      files: 0,
    })
    await admin.kick('story', ['story-member'])
    // Other replicas see the change within two seconds.
    const refused = member.group.bind(member, 'story')
    await until(
      () =>
        refused().then(
          () => false,
          (error) => error.code === 'NOT_A_MEMBER',
        ),
      2000,
    )
    expect(await owner.leave('story')).toMatchObject({ removed: false, heir: 'story-admin' })
    expect(await admin.leave('story')).toMatchObject({ removed: true, heir: null })
    await expect(admin.group('story')).rejects.toMatchObject(code('GROUP_NOT_FOUND'))
  })

  test('all groups are listed in pages, with the asker’s own role', async () => {
    const owner = await fleet.user('lister')
    const names = Array.from({ length: 103 }, (_, i) => `list-${String(i).padStart(3, '0')}`)
    await Promise.all(names.map((name) => owner.createGroup(name)))
    const stranger = await fleet.user('looker')
    const listed = async (client: TrackerClient) => {
      const found = []
      for await (const group of client.listGroups()) if (group.group.startsWith('list-')) found.push(group)
      return found
    }
    expect((await listed(owner)).map((group) => group.group)).toEqual(names)
    expect((await listed(owner))[0]).toEqual({
      group: 'list-000',
      owner: 'lister',
      members: 1,
      role: 'owner',
    })
    expect((await listed(stranger))[0]).toMatchObject({ owner: 'lister', role: null })
  })

  test('each role can do what it is allowed to and nothing else', async () => {
    const actors = await groupOfFour(fleet, 'roles')
    const calls: Record<string, [call: (client: TrackerClient) => Promise<unknown>, ...answers: string[]]> = {
      //               owner, admin, member, stranger, anonymous
      group: [(c) => c.group('roles'), 'ok', 'ok', 'ok', 'NOT_A_MEMBER'],
      files: [(c) => c.files('roles'), 'ok', 'ok', 'ok', 'NOT_A_MEMBER'],
      versions: [(c) => c.versions('roles', 'x'), ...Array(3).fill('FILE_NOT_FOUND'), 'NOT_A_MEMBER'],
      resolve: [(c) => c.resolve('roles', 'x@1'), ...Array(3).fill('FILE_NOT_FOUND'), 'NOT_A_MEMBER'],
      tags: [(c) => c.tags('roles', 'x'), ...Array(3).fill('FILE_NOT_FOUND'), 'NOT_A_MEMBER'],
      tagHistory: [(c) => c.tagHistory('roles', 'x'), ...Array(3).fill('FILE_NOT_FOUND'), 'NOT_A_MEMBER'],
      tag: [(c) => c.tag('roles', 'x', 1, 't'), ...Array(3).fill('FILE_NOT_FOUND'), 'NOT_A_MEMBER'],
      untag: [(c) => c.untag('roles', 'x', 't'), ...Array(3).fill('FILE_NOT_FOUND'), 'NOT_A_MEMBER'],
      events: [(c) => firstEvent(c, 'roles'), 'ok', 'ok', 'ok', 'NOT_A_MEMBER'],
      hashes: [
        (c) => c.hashes('roles', 'a'.repeat(64), 0, 1),
        ...Array(3).fill('FILE_NOT_FOUND'),
        'NOT_A_MEMBER',
      ],
      stage: [
        (c) => c.stageHashes('roles', 'a'.repeat(64), 0, Buffer.alloc(32)),
        'ok',
        'ok',
        'ok',
        'NOT_A_MEMBER',
      ],
      swarms: [
        (c) => c.joinSwarms('roles', { peer: 'b'.repeat(64), fileIds: ['a'.repeat(64)] }),
        ...Array(3).fill('FILE_NOT_FOUND'),
        'NOT_A_MEMBER',
      ],
      remove: [(c) => c.removeFile('roles', 'x'), ...Array(3).fill('FILE_NOT_FOUND'), 'NOT_A_MEMBER'],
      requests: [(c) => c.requests('roles'), 'ok', 'ok', 'NOT_AN_ADMIN', 'NOT_A_MEMBER'],
      accept: [
        (c) => c.accept('roles', ['ghost']),
        ...Array(2).fill('REQUEST_NOT_FOUND'),
        ...Array(2).fill('NOT_AN_ADMIN'),
      ],
      reject: [
        (c) => c.reject('roles', ['ghost']),
        ...Array(2).fill('REQUEST_NOT_FOUND'),
        ...Array(2).fill('NOT_AN_ADMIN'),
      ],
      kick: [
        (c) => c.kick('roles', ['ghost']),
        ...Array(2).fill('MEMBER_NOT_FOUND'),
        ...Array(2).fill('NOT_AN_ADMIN'),
      ],
      promote: [(c) => c.promote('roles', 'ghost'), 'MEMBER_NOT_FOUND', ...Array(3).fill('NOT_THE_OWNER')],
      join: [(c) => c.requestJoin('roles'), ...Array(3).fill('ALREADY_MEMBER'), 'ok'],
    }
    const clients = [actors.owner, actors.admin, actors.member, actors.stranger, actors.anonymous]
    for (const [name, [call, ...expected]] of Object.entries(calls)) {
      const answers: string[] = []
      for (const client of clients)
        answers.push(
          await call(client).then(
            () => 'ok',
            (error) => error.code,
          ),
        )
      expect([name, ...answers]).toEqual([name, ...expected, 'NOT_LOGGED_IN'])
    }
    for (const client of clients) expect((await client.status()).replicas).not.toEqual([])
  })
})

/** The group's creation event, which any member may see. */
async function firstEvent(client: TrackerClient, group: string): Promise<void> {
  const stop = new AbortController()
  for await (const event of client.events(group, 0, stop.signal)) {
    expect(event).toMatchObject({ type: 'group.created', revision: 1 })
    stop.abort()
  }
}

describe('bad requests', () => {
  let token: string | null
  beforeAll(async () => {
    token = (await fleet.user('careless')).token
  })

  const bad: [what: string, method: string, path: string, body: unknown, status: number, code: string][] = [
    ['a missing field', 'POST', '/v1/groups', {}, 400, 'BAD_REQUEST'],
    ['a field of another type', 'POST', '/v1/groups', { group: 7 }, 400, 'BAD_REQUEST'],
    ['invalid JSON', 'POST', '/v1/groups', '{"group"', 400, 'BAD_REQUEST'],
    ['a poisoned prototype', 'POST', '/v1/groups', '{"group":"x","__proto__":{"y":1}}', 400, 'BAD_REQUEST'],
    ['a bad group name', 'POST', '/v1/groups', { group: 'a}b' }, 400, 'BAD_NAME'],
    ['a bad group name in the path', 'GET', '/v1/groups/a%7Db', undefined, 400, 'BAD_NAME'],
    ['a limit that is not a number', 'GET', '/v1/groups?limit=many', undefined, 400, 'BAD_REQUEST'],
    ['a limit that is too high', 'GET', '/v1/groups?limit=9999', undefined, 400, 'BAD_REQUEST'],
    ['a malformed path', 'GET', '/v1/groups/%zz', undefined, 400, 'BAD_REQUEST'],
    ['an unknown route', 'GET', '/v1/nowhere', undefined, 404, 'ROUTE_NOT_FOUND'],
    ['an unknown method', 'PUT', '/v1/groups', {}, 404, 'ROUTE_NOT_FOUND'],
    ['a body that is too large', 'POST', '/v1/groups', { group: 'x'.repeat(2 ** 20) }, 413, 'TOO_LARGE'],
    ['an empty list of users', 'POST', '/v1/groups/x/kick', { users: [] }, 400, 'BAD_REQUEST'],
  ]
  test.each(bad)('%s is answered with a specific error', async (_, method, path, body, status, name) => {
    const answer = await fleet.send(method, path, { token, key: 'k', body })
    expect(answer).toMatchObject({ status, body: { error: { code: name, message: expect.any(String) } } })
  })

  test.each([
    ['a request that is not HTTP', 'hello tracker\r\n\r\n', 400],
    ['headers that are too long', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'a request with two lengths',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
    ],
  ])('%s is answered with a JSON error, and the connection closes', async (_, text, status) => {
    const { hostname, port } = new URL(fleet.url)
    const socket = connect(Number(port), hostname, () => socket.write(text))
    const [head, body] = (await buffer(socket)).toString().split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(body ?? '')).toMatchObject({
      error: { code: 'BAD_REQUEST', message: expect.any(String) },
    })
  })

  test('a change without an idempotency key is refused, and one repeated with its key is made once', async () => {
    const body = { group: 'once' }
    expect(await fleet.send('POST', '/v1/groups', { token, body })).toMatchObject({ status: 400 })
    const first = await fleet.send('POST', '/v1/groups', { token, key: 'again', body })
    expect(await fleet.send('POST', '/v1/groups', { token, key: 'again', body })).toEqual(first)
    expect(await fleet.send('POST', '/v1/groups', { token, key: 'other', body })).toMatchObject({
      status: 409,
    })
  })
})
