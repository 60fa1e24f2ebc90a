import { createHash, randomBytes } from 'node:crypto'
import { closeSync, copyFileSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { TestSwarm } from '../support/swarm.ts'

const MIB = 1024 * 1024
let swarm: TestSwarm
beforeAll(async () => {
  swarm = await TestSwarm.start()
})
afterAll(() => swarm.close())

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

test('a new version with one changed chunk in a hundred fetches only that chunk', async () => {
  const [origin, leecher] = [await swarm.addPeer(), await swarm.addPeer()]
  const [first, second] = [swarm.path('v1'), swarm.path('v2')]
  writeFileSync(first, randomBytes(100 * CHUNK_SIZE))
  copyFileSync(first, second)
  const fd = openSync(second, 'r+')
  writeSync(fd, randomBytes(10), 0, 10, 42 * CHUNK_SIZE + 7)
  closeSync(fd)
  await swarm.share(origin, 'data', first)
  await swarm.download(leecher, 'data', swarm.path('got-v1'))
  await swarm.share(origin, 'data', second)
  const file = await swarm.download(leecher, 'data', swarm.path('got-v2'))
  expect({ fetched: file.bytesFetched, reused: file.bytesReused }).toEqual({
    fetched: CHUNK_SIZE,
    reused: 99 * CHUNK_SIZE,
  })
  expect(sha256(swarm.path('got-v2'))).toBe(sha256(second))
})

test.each([
  ['--max-down', { maxDown: 8 * MIB }],
  ['--max-up', { maxUp: 8 * MIB }],
] as const)('%s is accurate within 5 %%', async (flag, limit) => {
  const [origin, leecher] = [await swarm.addPeer(), await swarm.addPeer()]
  const path = swarm.path(`limited${flag}`)
  writeFileSync(path, randomBytes(32 * MIB))
  await swarm.share(origin, `limited${flag}`, path)
  // The serving side enforces the upload limit, so a download there must set it.
  if ('maxUp' in limit) origin.setMaxUp(limit.maxUp)
  const given = 'maxDown' in limit ? limit : {}
  const { seconds } = await swarm.download(leecher, `limited${flag}`, swarm.path(`got${flag}`), given)
  const rate = 32 / seconds
  expect(rate).toBeLessThan(8 * 1.05)
  // Slower only by the time to start and finish, besides the four seconds.
  expect(rate).toBeGreaterThan(8 * 0.8)
  expect(sha256(swarm.path(`got${flag}`))).toBe(sha256(path))
})
