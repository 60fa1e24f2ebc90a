import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { World } from '../../testkit/shoal.ts'
import { TestCluster } from '../support/redis/cluster.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.close())

interface Group {
  group: string
  revision: number
}

test('a backup taken while a tracker runs can be restored to another data folder', async () => {
  await world.tracker()
  const ada = await world.home('ada').join('ada')
  const before = await ada.ok<Group>('group create team')
  const operator = world.home('operator')
  const file = world.path('backup.gz')
  const [data, other] = [world.path('data'), world.path('other')]
  const save = ['tracker', 'backup', file, '--data', data]
  const counts = { users: 1, sessions: 1, groups: 1, files: 0 }
  expect(await operator.ok(save)).toEqual({ file, ...counts })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await operator.fails(save)).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  const fifo = world.path('fifo')
  execFileSync('mkfifo', [fifo])
  const onto = ['tracker', 'backup', fifo, '--force', '--data', data]
  expect(await operator.fails(onto)).toMatchObject({ exit: 10, code: 'PATH_IN_THE_WAY' })
  expect(statSync(fifo).isFIFO()).toBe(true)
  const text = await operator.run([...save, '--force'])
  expect(text.stdout.toString()).toBe(`Saved 1 user, 1 session, 1 group, 0 files to ${file}\n`)
  expect(text.stderr).toContain('password hashes and signing keys')

  const load = (from: string, into: string) => ['tracker', 'restore', from, '--data', into]
  expect(await operator.fails(load(file, data))).toMatchObject({ exit: 6, code: 'ALREADY_RUNNING' })
  const half = world.path('half.gz')
  writeFileSync(half, readFileSync(file).subarray(0, 200))
  expect(await operator.fails(load(half, other))).toMatchObject({ exit: 9, code: 'BACKUP_INVALID' })
  expect(await operator.ok(load(file, other))).toEqual({ file, ...counts })
  expect(await operator.fails(load(file, other))).toMatchObject({ exit: 6, code: 'STORE_NOT_EMPTY' })

  await operator.ok(['tracker', 'stop', '--data', data])
  world.trackers = []
  await world.tracker('other')
  const after = await ada.ok<Group>('group show team')
  expect(after.revision).toBeGreaterThan(before.revision + 1000)
  await ada.ok('user login ada')
})

test('backing up a data folder without a tracker’s data fails with PATH_NOT_FOUND', async () => {
  const save = ['tracker', 'backup', world.path('backup.gz'), '--data', world.path('nothing')]
  expect(await world.home('operator').fails(save)).toMatchObject({ exit: 10, code: 'PATH_NOT_FOUND' })
})

test('a backup can be restored to a Cluster, and trackers run on it', async () => {
  const cluster = await TestCluster.start(0, { password: 'secret' })
  try {
    await world.tracker()
    const ada = await world.home('ada').join('ada')
    await ada.ok('group create team')
    const operator = world.home('operator')
    const file = world.path('backup.gz')
    await operator.ok(['tracker', 'backup', file, '--data', world.path('data')])
    const onCluster = { env: { SHOAL_REDIS: cluster.url } }
    await operator.ok(['tracker', 'restore', file], onCluster)
    world.trackers = []
    const { ready } = await world.tracker('unused', ['--redis', cluster.url])
    expect(ready.redis).toBe(cluster.url.replace('secret', '***'))
    expect(await ada.ok('group show team')).toMatchObject({ owner: 'ada' })
    expect(await operator.ok(['tracker', 'backup', world.path('again.gz')], onCluster)).toMatchObject({
      users: 1,
      groups: 1,
    })
    await world.home('operator').ok(['tracker', 'stop', '--data', world.path('unused')])
  } finally {
    await cluster.stop()
  }
})
