import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { following } from '../support/following.ts'

const world = new World()
let ada: Home
let bob: Home
beforeAll(async () => {
  await world.tracker()
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('peer start --detach')
  await bob.ok('peer start --detach')
}, 60_000)
afterAll(() => world.close())

const namesOf = ({ files }: Record<string, unknown[]>): string[] =>
  (files as { name: string }[]).map(({ name }) => name)

interface Listed {
  files: { name: string; version: number; size: number }[]
}

test('what appears in a watched folder is published once it is settled, and again when it has changed', async () => {
  await ada.ok('group create drop')
  const folder = world.path('drop')
  mkdirSync(folder)
  writeFileSync(join(folder, 'first'), '1')
  const watching = ['watch', folder, '--group', 'drop', '--as', 'in', '--settle', '300ms']
  const watch = following(ada, watching)
  const published = async (): Promise<string[]> =>
    (await ada.ok<Listed>('group files drop')).files.map(
      ({ name, version, size }) => `${name} ${version} ${size}`,
    )
  const shows = async (expected: string[]): Promise<void> => {
    await until(async () => JSON.stringify(await published()) === JSON.stringify(expected))
  }
  await shows(['in/first 1 1'])

  // In two writes, as programs do: what is published in the end is all of it.
  writeFileSync(join(folder, 'grows'), 'x')
  appendFileSync(join(folder, 'grows'), 'yz')
  await shows(['in/first 1 1', 'in/grows 1 3'])

  mkdirSync(join(folder, 'sub'))
  writeFileSync(join(folder, 'sub/later'), '123')
  writeFileSync(join(folder, 'first'), '12')
  await shows(['in/first 2 2', 'in/grows 1 3', 'in/sub/later 1 3'])
  // What was published last is in the group before the command hears of it.
  expect(namesOf(await watch.end()).slice(0, 2)).toEqual(['in/first', 'in/grows'])

  // What was published stays so over a restart; what came meanwhile is found.
  writeFileSync(join(folder, 'meanwhile'), '1234')
  const again = following(ada, watching)
  await until(async () => (await published()).includes('in/meanwhile 1 4'))
  expect(namesOf(await again.end()).filter((name) => name !== 'in/meanwhile')).toEqual([])
}, 60_000)

test('a folder that is not there, or a group that refuses, ends a watch with a clear error', async () => {
  const missing = await ada.fails(['watch', world.path('nowhere'), '--group', 'drop'])
  expect(missing).toMatchObject({ exit: 10, code: 'PATH_NOT_FOUND' })
  const folder = world.path('refused')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), 'x')
  const refused = await bob.fails(['watch', folder, '--group', 'drop', '--settle', '100ms'])
  expect(refused).toMatchObject({ exit: 4, code: 'NOT_A_MEMBER' })
})
