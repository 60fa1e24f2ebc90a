import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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

  // A snapshot is shared with the worker too.
  const members = Array.from(
    { length: 300 },
    (_, i) => [`f${i}`, randomBytes(i % 10 === 0 ? 2_000_000 : 20_000)] as const,
  )
  mkdirSync(join(ada.folder, 'tree'))
  for (const [name, bytes] of members) writeFileSync(join(ada.folder, 'tree', name), bytes)
  await ada.ok('peer upload tree --group team')
  await bob.ok('peer download team:tree')
  for (const [name, bytes] of members)
    expect(hash(readFileSync(join(bob.folder, 'tree', name)))).toBe(hash(bytes))

  worker.kill('SIGTERM')
  const done = JSON.parse((await lines.next()).value as string) as { extents: number; bytes: number }
  expect(done.extents).toBeGreaterThan(0)
  expect(done.bytes).toBeGreaterThan(0)
  expect(done.bytes).toBeLessThan(content.length + 100_000_000)
  if (worker.exitCode === null) await once(worker, 'exit')
  expect(worker.exitCode).toBe(143)
  // The file is seeded without a fault: nothing wrote to it after it was complete.
  expect(await bob.ok('peer status')).toMatchObject({
    seeding: [
      { name: 'big', path: join(bob.folder, 'big') },
      { name: 'tree', path: join(bob.folder, 'tree') },
    ],
  })
  expect(JSON.stringify(await bob.ok('peer status'))).not.toContain('fault')
}, 60_000)
