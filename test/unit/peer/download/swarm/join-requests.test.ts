import { JoinRequests } from '../../../../../peer/download/swarm/join-requests.ts'
import type { JoinedSwarms } from '../../../../../tracker-client/api/schemas.ts'
import { TrackerClient } from '../../../../../tracker-client/client.ts'

const at = (tls: boolean) => ({ peer: 'ab'.repeat(32), host: '127.0.0.1', port: 4000, tls, complete: true })

/** Of a tracker that names peers without TLS to everybody. */
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

test('a peer that was not told --no-tls neither asks for peers without TLS nor takes them from a tracker', async () => {
  const client = new CarelessClient({ trackers: [] })
  const { peers } = await new JoinRequests(client, 'cd'.repeat(32), false).join('team', 'ef'.repeat(32))
  expect(peers).toEqual([at(true)])
  expect(client.asked).toEqual([{ peer: 'cd'.repeat(32), fileIds: ['ef'.repeat(32)], hashes: true }])
})

test('a peer that was told --no-tls asks for both kinds', async () => {
  const client = new CarelessClient({ trackers: [] })
  const { peers } = await new JoinRequests(client, 'cd'.repeat(32), true).join('team', 'ef'.repeat(32))
  expect(peers).toEqual([at(true), at(false)])
  expect(client.asked).toMatchObject([{ plain: true }])
})
