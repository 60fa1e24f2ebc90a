import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { World } from '../../testkit/shoal.ts'

const world = new World()
afterAll(() => world.close())

test('a worker in another process fetches its share of a download correctly', async () => {
  await world.tracker()
  const [ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  const content = randomBytes(200 * 1024 * 1024)
  writeFileSync(join(ada.folder, 'big'), content)
  await ada.ok('peer upload big --group team')

  await bob.ok('peer start --detach')
  const worker = bob.spawn('peer worker')
  const lines = createInterface({ input: worker.stdout! })[Symbol.asyncIterator]()
  const ready = JSON.parse((await lines.next()).value as string)
  expect(ready).toMatchObject({ peer: (await bob.ok('peer status')).peer })

  const { files } = await bob.ok<{ files: { bytesFetched: number }[] }>('peer download team:big')
  expect(files[0]?.bytesFetched).toBe(content.length)
  const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex')
  expect(hash(readFileSync(join(bob.folder, 'big')))).toBe(hash(content))

  worker.kill('SIGTERM')
  const done = JSON.parse((await lines.next()).value as string) as { extents: number; bytes: number }
  expect(done.extents).toBeGreaterThan(0)
  expect(done.bytes).toBeGreaterThan(0)
  expect(done.bytes).toBeLessThan(content.length)
  if (worker.exitCode === null) await once(worker, 'exit')
  expect(worker.exitCode).toBe(143)
  // The file is seeded without a fault: nothing wrote to it after it was complete.
  expect(await bob.ok('peer status')).toMatchObject({
    seeding: [{ name: 'big', path: join(bob.folder, 'big') }],
  })
  expect(JSON.stringify(await bob.ok('peer status'))).not.toContain('fault')
}, 60_000)
