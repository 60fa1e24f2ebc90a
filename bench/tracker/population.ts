import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HERE_PATH, type Hello, type KeyPair, signHello, signHere } from '../../protocol/hello.ts'
import { LoadConnection } from '../../testkit/http-load.ts'
import { identityOf } from '../../testkit/test-peer.ts'
import { MAX_BATCH } from '../../tracker-client/api/limits.ts'
import { packFiles, type Served } from '../../tracker-client/api/packed-files.ts'
import type { Announcement } from '../../tracker-client/client.ts'
import type { Mutation } from '../../tracker-store/store.ts'
import { type BenchUser, smallFile, type TrackerFleet } from '../lib/tracker-fleet.ts'

export const GROUP = 'bench'
const FIRST_PORT = 20_000
const LANES = 16

export interface Peer {
  token: string
  keys: KeyPair
  /** The peer's announce without the sequence. */
  announce: Omit<Announcement, 'sequence' | 'files'> & { files: Served[] }
}

export interface Population {
  users: BenchUser[]
  /** The group's file ids by name, in name order. */
  files: Map<string, string>
}

/** Creates users, and a group with all of them and with files. */
export async function populate(
  fleet: TrackerFleet,
  size: { users: number; files: number },
): Promise<Population> {
  const users = await fleet.users(size.users)
  const [owner, ...others] = users as [BenchUser, ...BenchUser[]]
  const { groups } = fleet.store
  await fleet.group(GROUP, owner)
  for (const part of batches(others)) {
    await Promise.all(part.map((user) => groups.request(by(user), GROUP)))
    await groups.accept(
      by(owner),
      GROUP,
      part.map(({ user }) => user),
    )
  }
  const names = Array.from(
    { length: size.files },
    (_, i) => `builds/release-${String(i).padStart(6, '0')}.tar.zst`,
  )
  const files = names.map(smallFile)
  for (const part of batches(files)) await groups.publish(by(owner), GROUP, part)
  return { users, files: new Map(files.map(({ name, fileId }) => [name, fileId])) }
}

/**
 * Peers spread evenly over users and files, not yet announced. A peer's files are `stride` apart in the list,
 * and a quarter of them are partial.
 */
export function peersOf({ users, files }: Population, count: number, filesEach: number, stride = 37): Peer[] {
  const ids = [...files.values()]
  return Array.from({ length: count }, (_, i) => {
    const served = Array.from({ length: filesEach }, (_, k) => ids[(i + k * stride) % ids.length]!)
    const keys = identityOf(randomUUID())
    return {
      token: users[i % users.length]!.token,
      keys,
      announce: {
        peer: keys.peer,
        port: FIRST_PORT + (i % 10_000),
        tls: true,
        files: served.map((fileId, k) => ({ group: GROUP, fileId, complete: k % 4 !== 0 })),
      },
    }
  })
}

/** The proof, sent with the first announce, that the peer belongs to the user. */
export const helloOf = ({ keys, token }: Peer): Hello => signHello(keys, token, Date.now())

/**
 * Announces all of them for the first time, and ends once they have been called back, at one port for all: so what is
 * measured afterwards is announces and heartbeats of peers that are known, and no call-backs.
 */
export async function announceAll(url: string, peers: readonly Peer[], sequence: number): Promise<void> {
  const waiting = new Map(peers.map(({ keys }) => [keys.peer, keys]))
  const done = Promise.withResolvers<void>()
  const server = createServer(({ url, headers: { host = '' } }, response) => {
    const [keys, nonce] = [waiting.get(host), HERE_PATH.exec(url ?? '')?.[1]]
    response.end(keys && nonce ? JSON.stringify(signHere(keys, nonce)) : '')
    waiting.delete(host)
    if (waiting.size === 0) done.resolve()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const lane = async (first: number): Promise<void> => {
    const connection = await LoadConnection.open(url)
    for (let i = first; i < peers.length; i += LANES) {
      const { token, announce } = Object.assign(peers[i]!, {
        announce: { ...peers[i]!.announce, port, tls: false },
      })
      const body = { ...announce, files: packFiles(announce.files), sequence, hello: helloOf(peers[i]!) }
      await connection.ask({ method: 'POST', path: '/v1/announce', token, body })
    }
    connection.close()
  }
  // Twice: on a slow machine the first of them are forgotten by the time that the last have proven their ids.
  for (let round = 0; round < 2; round++)
    await Promise.all(Array.from({ length: LANES }, (_, first) => lane(first)))
  await done.promise
  server.close()
}

const by = ({ user }: BenchUser): Mutation => ({ key: randomUUID(), by: user, at: new Date().toISOString() })

function batches<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / MAX_BATCH)
  return Array.from({ length: count }, (_, i) => items.slice(i * MAX_BATCH, (i + 1) * MAX_BATCH))
}
