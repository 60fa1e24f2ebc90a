import { randomBytes } from 'node:crypto'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { fileId } from '../../protocol/file-id.ts'
import type { KeyPair } from '../../protocol/hello.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import { identityOf, ListeningPeer } from '../../testkit/test-peer.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { Victim } from './faults/victim.ts'
import { groupOfFour, TestFleet } from './tracker-fleet.ts'

/** Two replicas, and a group in which one member attacks another's peers. One instance per test file. */
export let fleet: TestFleet
export let owner: TrackerClient
export let thief: TrackerClient
/** Functions that end what a test has started. */
export const ended: (() => unknown)[] = []

export function useTwoMembers(): void {
  beforeAll(async () => {
    fleet = await TestFleet.start(2)
    const actors = await groupOfFour(fleet, 'team')
    owner = actors.owner
    thief = actors.member
  })
  afterEach(async () => {
    for (const end of ended.splice(0)) await end()
  })
  afterAll(() => fleet.stop())
}

export async function publish(name: string): Promise<string> {
  const hashes = randomBytes(32)
  const id = fileId(CHUNK_SIZE, merkleRoot(hashes))
  await owner.publish('team', [{ name, fileId: id, size: CHUNK_SIZE, hashes: hashes.toString('base64') }])
  return id
}

export const serving = (id: string) => [{ group: 'team', fileId: id, complete: true }]

/** The peers that a replica names to a joining member. */
export async function named(id: string, { replica = 0, plain = false } = {}) {
  const client = fleet.anonymous(replica)
  client.token = thief.token
  const body = { peer: identityOf('asker').peer, fileIds: [id], plain }
  return (await client.joinSwarms('team', body)).swarms[0]!.peers
}

export async function listening(keys: KeyPair, port = 0): Promise<ListeningPeer> {
  const peer = await ListeningPeer.start(keys, port)
  ended.push(() => peer.stop())
  return peer
}

export async function victim(): Promise<Victim> {
  const target = await Victim.start()
  ended.push(() => target.stop())
  return target
}
