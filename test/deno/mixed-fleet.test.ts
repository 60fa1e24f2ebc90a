import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { type Home, World } from '../../testkit/shoal.ts'

/** The programs that run the homes' commands, regardless of SHOAL_BIN. */
const PROGRAMS = { node: 'bin/shoal', deno: 'bin/shoal-deno' }
const SIZE = 9 * 1024 * 1024 + 1

const world = new World()
const homes = {} as Record<keyof typeof PROGRAMS, Home>

beforeAll(async () => {
  for (const runtime of ['node', 'deno'] as const) homes[runtime] = world.home(runtime, PROGRAMS[runtime])
  // Two replicas of one tracker, one per runtime. The first starts their Redis.
  for (const runtime of ['deno', 'node'] as const) {
    const start = ['tracker', 'start', '--listen', '127.0.0.1:0', '--data', world.path('data')]
    const operator = world.home(`operator-${runtime}`, PROGRAMS[runtime])
    world.trackers.push((await operator.start(start)).ready.url as string)
  }
  for (const runtime of ['node', 'deno'] as const) await homes[runtime].join(runtime)
  await homes.node.ok('group create team')
  await homes.node.admit('team', homes.deno)
}, 120_000)
afterAll(() => world.close(), 60_000)

test('--version names the runtime', async () => {
  expect((await homes.node.run('--version')).stdout.toString()).toMatch(/ node-v\d+\.\d+\.\d+\n$/)
  for (const line of ['--version', '--json --version'])
    expect((await homes.deno.run(line)).stdout.toString()).toMatch(/ deno-v\d+\.\d+\.\d+\n$/)
})

test.each([
  ['node', 'deno'],
  ['deno', 'node'],
] as const)(
  'a file uploaded by a peer on %s is downloaded by a peer on %s, over TLS',
  async (from, to) => {
    const source = world.path(`from-${from}`)
    writeFileSync(source, randomBytes(SIZE))
    await homes[from].ok(['peer', 'upload', source, '--group', 'team'])
    const copy = world.path(`to-${to}`)
    const { files } = await homes[to].ok<{ files: { bytesFetched: number }[] }>([
      'peer',
      'download',
      `team:from-${from}`,
      '-o',
      copy,
    ])
    expect(files[0]?.bytesFetched).toBe(SIZE)
    expect(readFileSync(copy).equals(readFileSync(source))).toBe(true)
    expect(await homes[from].ok('peer status')).toMatchObject({ url: expect.stringMatching(/^https:/) })
  },
  60_000,
)

test('a replica on one runtime shows a change made through a replica on the other at once', async () => {
  const [deno, node] = world.trackers as [string, string]
  await homes.node.ok('group create by-deno', { env: { SHOAL_TRACKER: deno } })
  await homes.node.ok('group create by-node', { env: { SHOAL_TRACKER: node } })
  for (const SHOAL_TRACKER of [deno, node]) {
    const { groups } = await homes.deno.ok<{ groups: { group: string }[] }>('group list', {
      env: { SHOAL_TRACKER },
    })
    expect(groups.map(({ group }) => group)).toEqual(['by-deno', 'by-node', 'team'])
  }
})
