import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'

/** Tests without a browser: the trees of snapshots, which the page's tracker asks peers for. */
const world = new World()
let base: string
let ada: Home
let bob: Home
beforeAll(async () => {
  const { ready } = await world.tracker()
  base = `${ready.url}/dashboard/trees`
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  mkdirSync(join(ada.folder, 'app/many'), { recursive: true })
  for (let i = 0; i < 700; i++) writeFileSync(join(ada.folder, `app/many/${i}`), 'x'.repeat(i))
  await ada.ok('peer upload app --group team')
}, 60_000)
afterAll(() => world.close())

interface Answer {
  status: number
  body: {
    version?: number
    entries?: { name: string; kind: string; size: number }[]
    next?: number | null
    error?: { code: string }
  }
}

async function ask(home: Home | null, query: Record<string, string>, group = 'team'): Promise<Answer> {
  const headers: Record<string, string> = {}
  if (home) headers.authorization = `Bearer ${await tokenOf(home)}`
  const answer = await fetch(`${base}/${group}?${new URLSearchParams(query)}`, { headers })
  return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

async function tokenOf(home: Home): Promise<string> {
  const { readFileSync } = await import('node:fs')
  return (JSON.parse(readFileSync(join(home.folder, 'session.json'), 'utf8')) as { token: string }).token
}

test('a folder is answered in pages, with sizes of all that is below', async () => {
  // The tracker names a peer when it has called it back.
  await until(async () => (await ask(ada, { target: 'app' })).status === 200)
  const top = await ask(ada, { target: 'app@1' })
  expect(top.body).toMatchObject({
    ...{ version: 1, path: '', next: null },
    entries: [{ name: 'many', kind: 'folder', size: (699 * 700) / 2 }],
  })
  const first = await ask(ada, { target: 'app', path: 'many' })
  expect(first.body.entries).toHaveLength(500)
  const rest = await ask(ada, { target: 'app', path: 'many', skip: `${first.body.next}` })
  expect(rest.body).toMatchObject({ next: null })
  const names = [...first.body.entries!, ...rest.body.entries!].map(({ name }) => name)
  expect(new Set(names).size).toBe(700)
})

test('the tree is for members with a session alone, also when it is known', async () => {
  await until(async () => (await ask(ada, { target: 'app' })).status === 200)
  expect(await ask(null, { target: 'app' })).toMatchObject({ status: 401 })
  expect(await ask(bob, { target: 'app' })).toMatchObject({
    status: 403,
    body: { error: { code: 'NOT_A_MEMBER' } },
  })
})

test('what is no snapshot, not in it or not in the group is refused with a code', async () => {
  writeFileSync(join(ada.folder, 'plain'), 'plain')
  await ada.ok('peer upload plain --group team')
  await until(async () => (await ask(ada, { target: 'app' })).status === 200)
  for (const [query, status, code] of [
    [{ target: 'plain' }, 400, 'USAGE'],
    [{ target: 'app', path: 'none' }, 404, 'FILE_NOT_FOUND'],
    [{ target: 'none' }, 404, 'FILE_NOT_FOUND'],
    [{ target: 'app@7' }, 404, 'VERSION_NOT_FOUND'],
  ] as const)
    expect(await ask(ada, query)).toMatchObject({ status, body: { error: { code } } })
  expect(await ask(ada, { target: 'app' }, 'no-group')).toMatchObject({ status: 404 })
  expect((await ask(ada, {})).status).toBe(400)
})

test('a snapshot whose peers are gone is NO_PEER', async () => {
  mkdirSync(join(ada.folder, 'gone'))
  writeFileSync(join(ada.folder, 'gone/x'), 'x')
  await ada.ok('peer upload gone --group team')
  await ada.ok('peer stop')
  expect(await ask(ada, { target: 'gone' })).toMatchObject({
    status: 504,
    body: { error: { code: 'NO_PEER' } },
  })
})
