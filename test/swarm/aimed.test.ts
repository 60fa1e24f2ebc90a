import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { followHave } from '../../peer/download/swarm/have-client.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { newIdentity } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import { TLS_HANDSHAKE, Victim } from '../support/faults/victim.ts'
import { GROUP, TestSwarm } from '../support/swarm.ts'

const CHUNKS = 16
let swarm: TestSwarm
let target: Victim
beforeAll(async () => {
  target = await Victim.start()
  swarm = await TestSwarm.start()
})
afterAll(async () => {
  await swarm.close()
  await target.stop()
})

test('a downloading member that announces a foreign port causes only a few TLS handshakes there and no grant', async () => {
  const [origin, leecher] = [await swarm.addPeer(), await swarm.addPeer()]
  const source = swarm.path('source')
  writeFileSync(source, randomBytes(CHUNKS * CHUNK_SIZE))
  const fileId = await swarm.share(origin, 'aimed', source)
  origin.setMaxUp(2 * 1024 * 1024)
  const download = swarm.download(leecher, 'aimed', swarm.path('target'))

  const thief = await newIdentity()
  const { hostname, port } = new URL(leecher.url)
  const address = { peer: leecher.peer, host: hostname, port: Number(port), tls: true }
  const { swarms } = await swarm.client.joinSwarms(GROUP, { peer: thief.peer, fileIds: [fileId] })
  const { grant } = swarms[0]!
  const use = { fileId, chunks: CHUNKS, grant, credentials: thief, ownPort: target.port, asked: false }
  const nothing = { onBitmap() {}, onChunk() {}, onPending() {} }
  const stop = new AbortController()
  const ask = (): Promise<void> => followHave(address, use, nothing, stop.signal).catch(() => {})
  // It serves nobody until it is downloading.
  await until(async () => {
    void ask()
    return target.heard.length > 0
  })
  const asked = Array.from({ length: 50 }, ask)
  await download
  stop.abort()
  await Promise.all(asked)
  expect(target.heard.length).toBeLessThanOrEqual(6)
  for (const data of target.heard) {
    expect(data[0]).toBe(TLS_HANDSHAKE)
    expect(data.includes('HTTP') || data.includes('Bearer')).toBe(false)
  }
})
