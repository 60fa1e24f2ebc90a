import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { TestSwarm } from '../support/swarm.ts'

/** All peers share one process and few cores, so the full number runs only in `npm run test:faults`. */
const PEERS = process.env.SHOAL_FAULTS === 'full' ? 50 : 8
/** Bytes per second. If the origin's link were the fastest, asking other peers would bring nothing. */
const ORIGIN_RATE = 32 * 1024 * 1024
const SIZE = 24 * 1024 * 1024 + 12_345

let swarm: TestSwarm
beforeAll(async () => {
  swarm = await TestSwarm.start()
})
afterAll(() => swarm.close(), 60_000)

test(`${PEERS} peers that start together behind a slow origin get the file mostly from one another`, async () => {
  const source = swarm.path('source')
  writeFileSync(source, randomBytes(SIZE))
  const origin = await swarm.addPeer()
  await swarm.share(origin, 'file', source)
  origin.setMaxUp(ORIGIN_RATE)
  const leechers = []
  for (let i = 0; i < PEERS; i++) leechers.push(await swarm.addPeer())

  const files = await Promise.all(
    leechers.map((peer, i) => swarm.download(peer, 'file', swarm.path(`copy-${i}`))),
  )
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex')
  for (const [i, { bytesFetched }] of files.entries()) {
    expect(
      createHash('sha256')
        .update(readFileSync(swarm.path(`copy-${i}`)))
        .digest('hex'),
    ).toBe(hash)
    expect(bytesFetched).toBeGreaterThanOrEqual(SIZE)
  }
  const shares = files.flatMap(({ peers }) => peers)
  const fromOrigin = shares
    .filter(({ peer }) => peer === origin.peer)
    .reduce((sum, { bytes }) => sum + bytes, 0)
  expect(fromOrigin).toBeLessThan((PEERS * SIZE) / 2)
}, 300_000)
