import { JoinRequests } from '../../../../../peer/download/swarm/join-requests.ts'
import type { JoinedSwarms } from '../../../../../tracker-client/api/schemas.ts'
import { TrackerClient } from '../../../../../tracker-client/client.ts'

const at = (tls: boolean) => ({ peer: 'ab'.repeat(32), host: '127.0.0.1', port: 4000, tls, complete: true })

/** A tracker client that gets peers without TLS although it did not ask for them. */
class CarelessClient extends TrackerClient {
  readonly asked: object[] = []

  override async joinSwarms(
    _: string,
    body: Parameters<TrackerClient['joinSwarms']>[1],
  ): Promise<JoinedSwarms> {
    this.asked.push(body)
    const swarm = { grant: 'g', expires: new Date().toISOString(), peers: [at(true), at(false)] }
    return { swarms: body.fileIds.map((fileId) => ({ fileId, ...swarm })) }
  }
}

test('without --no-tls a peer neither asks for peers without TLS nor accepts them from a tracker', async () => {
  const client = new CarelessClient({ trackers: [] })
  const { peers } = await new JoinRequests(client, 'cd'.repeat(32), false).join('team', 'ef'.repeat(32))
  expect(peers).toEqual([at(true)])
  expect(client.asked).toEqual([{ peer: 'cd'.repeat(32), fileIds: ['ef'.repeat(32)], hashes: true }])
})

test('with --no-tls a peer asks for peers with and without TLS', async () => {
  const client = new CarelessClient({ trackers: [] })
  const { peers } = await new JoinRequests(client, 'cd'.repeat(32), true).join('team', 'ef'.repeat(32))
  expect(peers).toEqual([at(true), at(false)])
  expect(client.asked).toMatchObject([{ plain: true }])
})
