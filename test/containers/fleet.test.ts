import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../testkit/until.ts'
import { Containers } from '../support/containers.ts'

/** Run by `npm run test:containers`. Needs dist/shoal and podman (scripts/ensure-podman). */
const containers = new Containers('shoaltest')
const TRACKERS = [1, 2, 3].map((n) => `http://tracker-${n}:8080`).join(',')
const SLOW = 240_000

beforeAll(() => containers.build(), 600_000)
afterAll(() => containers.close(), SLOW)

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
let content: Buffer

/** The fleet is up once a tracker knows all three replicas. */
const isUp = async (): Promise<boolean> => {
  const answer = await containers.shoal('peer', 'tracker', 'status', '--json').catch(() => '{}')
  return JSON.parse(answer).replicas?.length === 3
}

async function share(name: string): Promise<void> {
  content = randomBytes(5_000_000)
  writeFileSync(join(containers.folder, 'docker/files', name), content)
  await containers.shoal('peer', 'peer', 'upload', `/files/${name}`, '--group', 'team')
}

/** Downloads in a container of its own, which leaves the file in the home's volume. */
async function fetches(user: string, name: string): Promise<void> {
  await containers.shoalIn(
    user,
    TRACKERS,
    'peer',
    'download',
    `team:${name}`,
    '--once',
    '-o',
    `/data/${name}`,
  )
  expect(sha256(readFileSync(await containers.path(user, name)))).toBe(sha256(content))
}

async function joins(user: string): Promise<void> {
  for (const words of [`user register ${user}`, `user login ${user}`, 'group join team'])
    await containers.shoalIn(user, TRACKERS, ...words.split(' '))
  await containers.shoal('peer', 'group', 'accept', 'team', user)
}

describe('compose.yaml', () => {
  const file = 'compose.yaml'
  beforeAll(() => containers.up(file), SLOW)
  afterAll(() => containers.down(file), SLOW)

  test('two containers download a file that a third uploaded', async () => {
    await until(isUp, 60_000)
    for (const words of ['user register seeder', 'user login seeder', 'group create team'])
      await containers.shoal('peer', ...words.split(' '))
    const { replicas } = JSON.parse(await containers.shoal('peer', 'tracker', 'status', '--json'))
    expect(replicas.map(({ url }: { url: string }) => url).sort()).toEqual(TRACKERS.split(','))
    await share('first')
    for (const user of ['ada', 'bob']) await joins(user)
    for (const user of ['ada', 'bob']) await fetches(user, 'first')
  }, 240_000)

  test('a healthy tracker passes its health check and stops cleanly', async () => {
    const status = await containers.shoal(
      'tracker-2',
      'tracker',
      'status',
      '--tracker',
      'http://127.0.0.1:8080',
    )
    expect(status).toContain('REPLICA')
    await containers.podman('stop', '-t', '15', containers.name('tracker-2'))
    const code = await containers.podman(
      'inspect',
      containers.name('tracker-2'),
      '--format',
      '{{.State.ExitCode}}',
    )
    expect(code).toBe('143')
  }, 240_000)

  test('uploads and downloads work with one tracker stopped and another killed', async () => {
    await containers.podman('kill', containers.name('tracker-1'))
    await share('second')
    await fetches('ada', 'second')
  }, 240_000)

  test('the services run without root, capabilities or a writable root file system', async () => {
    for (const service of ['tracker-3', 'peer']) {
      const fields = '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.EffectiveCaps}}'
      const found = await containers.podman('inspect', containers.name(service), '--format', fields)
      expect(found).toBe('65532:65532 true []')
    }
  })
})

describe('compose.sentinel.yaml', () => {
  const file = 'compose.sentinel.yaml'
  beforeAll(() => containers.up(file), SLOW)
  afterAll(() => containers.down(file), SLOW)

  test('changes and downloads resume within 15 seconds after the Redis master is killed', async () => {
    await until(isUp, 60_000)
    for (const words of ['user register seeder', 'user login seeder', 'group create team'])
      await containers.shoal('peer', ...words.split(' '))
    await share('before')
    await joins('cyd')
    await containers.podman('kill', containers.name('redis-1'))
    await until(() => succeeds(share('after')), 15_000)
    await fetches('cyd', 'after')
    const { redis } = JSON.parse(await containers.shoal('peer', 'tracker', 'status', '--json'))
    expect(redis).toMatchObject({ kind: 'sentinel', masters: 1 })
  }, 240_000)

  test('after a failover, a full restart of Redis and Sentinels keeps the master and all files', async () => {
    const names = ['redis', 'sentinel'].flatMap((kind) =>
      [1, 2, 3].map((n) => containers.name(`${kind}-${n}`)),
    )
    await containers.podman(
      'stop',
      '-t',
      '10',
      ...names.filter((name) => name !== containers.name('redis-1')),
    )
    await containers.podman('start', ...names)
    await until(() => succeeds(share('later')), 60_000)
    let files: { name: string }[] = []
    // Each tracker finds the master by itself, in its own time.
    const lists = async (): Promise<void> => {
      files = JSON.parse(await containers.shoal('peer', 'group', 'files', 'team', '--json')).files
    }
    await until(() => succeeds(lists()), 30_000)
    expect(files.map(({ name }) => name)).toEqual(['after', 'before', 'later'])
  }, 240_000)
})
