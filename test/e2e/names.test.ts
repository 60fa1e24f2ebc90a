import { World } from '../../testkit/shoal.ts'
import { lossyNames } from '../support/faults/lossy-names.ts'

const world = new World()
afterAll(() => world.close())

test('a lost DNS query is repeated after about a second, not after five', async () => {
  const { under, queries } = lossyNames(world.folder)
  const { code, stderr } = await world
    .home('user')
    .run('tracker status --tracker http://tracker.test:8080', { under })
  // The name was resolved, but nobody listens there.
  expect([code, stderr]).toEqual([
    7,
    expect.stringContaining('http://tracker.test:8080 (connection refused)'),
  ])
  const [lost, answered] = [true, false].map((lost) => queries().find((query) => query.lost === lost))
  expect(answered!.at - lost!.at).toBeLessThan(3000)
})
