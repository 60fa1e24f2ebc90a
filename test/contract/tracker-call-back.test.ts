import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { HERE_PATH, type KeyPair, signHere } from '../../protocol/hello.ts'
import { announceAs, identityOf, ListeningPeer, newIdentity } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import { startTracker } from '../../tracker/start.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { openStore } from '../../tracker-store/open.ts'
import { TLS_HANDSHAKE } from '../support/faults/victim.ts'
import {
  ended,
  fleet,
  listening,
  named,
  owner,
  publish,
  serving,
  thief,
  useTwoMembers,
  victim,
} from '../support/two-members.ts'

/** Trackers name only peers that a call-back has reached. */
useTwoMembers()

/** Announces a peer at a port, and asks both replicas for peers until the announce is answered with a fault. */
async function aim(keys: KeyPair, port: number, tls: boolean, id: string): Promise<string | undefined> {
  const sequence = Date.now()
  await announceAs(thief, keys, { port, tls, sequence, files: serving(id) })
  let fault: string | undefined
  await until(async () => {
    for (const replica of [0, 1]) expect(await named(id, { replica, plain: true })).toEqual([])
    fault = (await thief.heartbeat(keys.peer, sequence)).fault
    return fault !== undefined
  }, 20_000)
  // It counts as a seeder, but is named to nobody.
  expect((await owner.files('team')).files.find((file) => file.fileId === id)).toMatchObject({ seeders: 1 })
  return fault
}

test('a foreign service at the announced port gets a few TLS handshakes and no grant, and the peer is named once it listens there', async () => {
  const id = await publish('aimed at a service')
  const keys = await newIdentity()
  const target = await victim()
  const { port } = target
  expect(await aim(keys, port, true, id)).toBe('unreachable')
  // Each replica tries once, and then pauses for two seconds.
  expect(target.heard.length).toBeLessThanOrEqual(4)
  for (const data of target.heard) {
    expect(data[0]).toBe(TLS_HANDSHAKE)
    expect(data.includes('HTTP')).toBe(false)
  }
  await target.stop()
  await listening(keys, port)
  await until(async () => (await named(id)).length === 1, 20_000)
  expect(await named(id)).toMatchObject([{ peer: keys.peer, port }])
})

test('a peer is not named at a port with another certificate, nor at the tracker’s own port', async () => {
  const [keys, other] = [await newIdentity(), await newIdentity()]
  const { port } = await listening(other)
  expect(await aim(keys, port, true, await publish('aimed at a peer'))).toBe('wrong certificate')
  const tracker = Number(new URL(fleet.trackers[0]!.url).port)
  const third = await newIdentity()
  expect(await aim(third, tracker, true, await publish('aimed at the tracker'))).toBe('wrong certificate')
})

test('a foreign service announced as a peer without TLS receives only a nonce', async () => {
  const id = await publish('aimed in clear')
  const keys = await newIdentity()
  const target = await victim()
  expect(await aim(keys, target.port, false, id)).toBe('unreachable')
  for (const data of target.heard)
    expect(data.toString()).toMatch(
      new RegExp(
        `^GET /v1/here/[0-9a-f]{64} HTTP/1.1\r\nhost: ${keys.peer}\r\nConnection: close\r\n\r\n$`,
        'i',
      ),
    )
})

test('a peer without TLS that signs a nonce is named to peers that accept plain connections', async () => {
  const id = await publish('plain')
  const [keys, other] = [await newIdentity(), await newIdentity()]
  let signer = other
  const server = createHttpServer(({ url }, response) => {
    const nonce = HERE_PATH.exec(url ?? '')?.[1] ?? ''
    response.end(JSON.stringify(signHere(signer, nonce)))
  }).listen(0, '127.0.0.1')
  ended.push(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await aim(keys, port, false, id)).toBe('wrong certificate')
  signer = keys
  await until(async () => (await named(id, { plain: true })).length === 1, 20_000)
  expect(await named(id, { plain: true })).toMatchObject([{ peer: keys.peer, port, tls: false }])
  expect(await named(id)).toEqual([])
})

test('a join waits for a running call-back for at most a second', async () => {
  const [id, silent] = [await publish('just uploaded'), await publish('black hole')]
  const keys = await newIdentity()
  const { port } = await listening(keys)
  await announceAs(owner, keys, { port, tls: true, sequence: 1, files: serving(id) })
  expect(await named(id)).toMatchObject([{ peer: keys.peer }])
  const lost = await newIdentity()
  const target = await victim()
  await announceAs(owner, lost, { port: target.port, tls: true, sequence: 1, files: serving(silent) })
  const began = performance.now()
  expect(await named(silent)).toEqual([])
  const waited = performance.now() - began
  expect(waited).toBeGreaterThan(900)
  expect(waited).toBeLessThan(2500)
})

test('a peer that one replica has called back is named by the others without another call-back', async () => {
  const id = await publish('shared')
  const keys = await newIdentity()
  const peer = await listening(keys)
  await announceAs(owner, keys, { port: peer.port, tls: true, sequence: 1, files: serving(id) })
  const store = await openStore({ redis: fleet.redis.url, replicaId: 'test' })
  ended.push(() => store.close())
  await until(async () => (await store.presence.read([keys.peer]))[0]?.reachable === true)
  await fleet.add()
  for (let i = 0; i < 3; i++) expect(await named(id, { replica: 2 })).toMatchObject([{ peer: keys.peer }])
  expect(peer.connections).toBe(1)
})

test('a peer on the loopback interface is named to other machines at an address that reaches it, if it listens there', async () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((list = []) => list)
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  // A machine without a network has no other address.
  if (!outside) return
  const folder = await mkdtemp(join(tmpdir(), 'shoal-identity-'))
  const tracker = await startTracker({
    listen: { host: '0.0.0.0', port: 0 },
    redis: fleet.redis.url,
    dataFolder: folder,
    log: 'silent',
  })
  ended.push(async () => {
    await tracker.stop()
    await rm(folder, { recursive: true })
  })
  const { port } = new URL(tracker.url)
  const [inside, from] = [`127.0.0.1:${port}`, `${outside.address}:${port}`].map(
    (address) => new TrackerClient({ trackers: [address], token: owner.token }),
  ) as [TrackerClient, TrackerClient]
  const id = await publish('of this machine')
  const [open, hidden] = [await newIdentity(), await newIdentity()]
  for (const [keys, host] of [
    [open, '0.0.0.0'],
    [hidden, '127.0.0.1'],
  ] as const) {
    const listener = await ListeningPeer.start(keys, 0, host)
    ended.push(() => listener.stop())
    await announceAs(inside, keys, { port: listener.port, tls: true, sequence: 1, files: serving(id) })
  }
  const asked = async (client: TrackerClient) => {
    const { swarms } = await client.joinSwarms('team', { peer: identityOf('asker').peer, fileIds: [id] })
    return swarms[0]!.peers
      .map(({ peer, host }) => ({ peer, host }))
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
  }
  await until(async () => (await asked(inside)).length === 2)
  await until(async () => (await asked(from)).length === 1)
  expect(await asked(from)).toEqual([{ peer: open.peer, host: outside.address }])
  for (const { host } of await asked(inside)) expect(host).toBe('127.0.0.1')
})
