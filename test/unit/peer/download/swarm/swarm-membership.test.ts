import { JoinRequests } from '../../../../../peer/download/swarm/join-requests.ts'
import { SwarmMembership } from '../../../../../peer/download/swarm/swarm-membership.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import { content } from '../../../../support/peer/content.ts'
import { TestFleet } from '../../../../support/tracker-fleet.ts'

const FILE = content(CHUNK_SIZE)
let fleet: TestFleet
beforeAll(async () => {
  fleet = await TestFleet.start()
})
afterAll(() => fleet.stop())

test('a repeated join keeps the grant while peers accept it, because each peer must verify a new one', async () => {
  const client = await fleet.user('ada')
  await client.createGroup('team')
  const { fileId, size, hashes } = FILE
  await client.publish('team', [{ name: 'file', fileId, size, hashes: hashes.toString('base64') }])
  const requests = new JoinRequests(client, 'ab'.repeat(32), false)
  const membership = await SwarmMembership.join(requests, { group: 'team', fileId })
  const { grant } = membership
  // Grants made in the same second are equal.
  const fresh = async (): Promise<boolean> => (await requests.join('team', fileId)).grant !== grant
  while (!(await fresh()));

  const noPeers = 0
  expect(await membership.renew(performance.now(), noPeers)).toEqual([])
  expect(membership.grant).toBe(grant)
  membership.expire()
  await membership.renew(performance.now(), noPeers)
  expect(membership.grant).not.toBe(grant)
})
