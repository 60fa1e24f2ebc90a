import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { ProgressEvent } from '../../peer/control/api.ts'
import type { PeerExtension } from '../../peer/seam.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { TestSwarm } from '../support/swarm.ts'

const SIZE = 8 * CHUNK_SIZE
let swarm: TestSwarm
beforeAll(async () => {
  swarm = await TestSwarm.start()
})
afterAll(() => swarm.close())

test('a peer serves a file as soon as it has joined the swarm, so that the peers it is named to are not refused', async () => {
  const source = swarm.path('source')
  writeFileSync(source, randomBytes(SIZE))
  await swarm.share(await swarm.addPeer(), 'file', source)

  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<null>()
  /** Delays a download between its join and its first request to a peer. */
  const slow: PeerExtension = {
    name: 'slow',
    setting: () => undefined,
    setup: (seam) =>
      seam.addSource({
        name: 'slow',
        chunk: () => {
          asked.resolve()
          return answer.promise
        },
      }),
  }
  const first = await swarm.addPeer([slow])
  const before = swarm.download(first, 'file', swarm.path('copy-1'))
  await asked.promise
  const events: ProgressEvent[] = []
  await swarm.download(
    await swarm.addPeer(),
    'file',
    swarm.path('copy-2'),
    {},
    (event) => void events.push(event),
  )
  answer.resolve(null)
  await before

  const told = events.filter((event) => event.event === 'peer' && event.peer === first.peer)
  expect(told).toEqual([expect.objectContaining({ state: 'joined' })])
  for (const copy of ['copy-1', 'copy-2'])
    expect(readFileSync(swarm.path(copy)).equals(readFileSync(source))).toBe(true)
})
