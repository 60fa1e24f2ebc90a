import { request } from 'node:http'
import { signHello } from '../../protocol/hello.ts'
import { announceAs, identityOf, newIdentity } from '../../testkit/test-peer.ts'
import { until } from '../../testkit/until.ts'
import { packFiles } from '../../tracker-client/api/packed-files.ts'
import { code } from '../support/tracker-fleet.ts'
import {
  fleet,
  listening,
  named,
  owner,
  publish,
  serving,
  thief,
  useTwoMembers,
} from '../support/two-members.ts'

// A peer's entry belongs to the user who proved to hold its key.
useTwoMembers()

/** Sends a request from an address of the loopback network. */
function send(from: string, replica: number, path: string, token: string | null, body?: object) {
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  return new Promise<{ status: number; body: Record<string, unknown> }>((resolve, reject) => {
    request(`${fleet.trackers[replica]!.url}/v1${path}`, { method: 'POST', headers, localAddress: from })
      .once('error', reject)
      .once('response', async (response) => {
        let answer = ''
        for await (const part of response) answer += part
        resolve({ status: response.statusCode!, body: JSON.parse(answer) })
      })
      .end(text)
  })
}

describe.each(['127.0.0.1', '127.0.0.2'])('from %s', (from) => {
  test.each(['online', 'silent', 'gone'])(
    'nobody can take over the entry of a peer that is %s',
    async (state) => {
      const id = await publish(`taken ${from} ${state}`)
      const keys = await newIdentity()
      const listener = await listening(keys)
      const first = Date.now()
      const said = { port: listener.port, tls: true }
      await announceAs(owner, keys, { ...said, sequence: first, files: serving(id) })
      await until(async () => (await named(id, { replica: 1 })).length === 1)
      const before = await named(id)
      expect(before).toMatchObject([{ peer: keys.peer, port: listener.port }])
      if (state === 'silent') await listener.stop()
      if (state === 'gone')
        await announceAs(owner, keys, { ...said, sequence: first + 1, leaving: true, files: [] })
      if (state === 'gone')
        for (const replica of [0, 1]) await until(async () => (await named(id, { replica })).length === 0)

      const other = await newIdentity()
      const [mine, theirs] = [signHello(other, thief.token!, first), signHello(keys, owner.token!, first)]
      const hellos = {
        none: undefined,
        'of the own key': mine,
        'of the own key, with the certificate of the peer': { ...mine, certificate: theirs.certificate },
        'of the peer, for the session of its owner': theirs,
        'of the peer, an hour old': signHello(keys, thief.token!, first - 3_600_000),
        'of the peer, from the future': signHello(keys, thief.token!, first + 3_600_000),
      }
      for (const [what, hello] of Object.entries(hellos))
        for (const replica of [0, 1]) {
          const body = {
            ...{ peer: keys.peer, port: 4000, tls: true, sequence: Date.now() + 50_000 },
            ...{ files: packFiles(serving(id)), ...(hello ? { hello } : {}) },
          }
          const answer = await send(from, replica, '/announce', thief.token, body)
          expect([what, answer]).toMatchObject([
            what,
            { status: 401, body: { error: { code: 'PEER_UNPROVEN' } } },
          ])
        }
      // A goodbye, harmless for an unknown peer, is refused if the peer belongs to somebody else.
      const goodbye = { peer: keys.peer, ...said, sequence: Date.now() + 50_000, leaving: true, files: [] }
      for (const [path, body] of [[`/announce/${keys.peer}/${first}`], ['/announce', goodbye]] as const) {
        const { status } = await send(from, 0, path, thief.token, body)
        expect(status).toBe(state === 'gone' ? 200 : 401)
      }
      if (state === 'gone') {
        expect(await named(id)).toEqual([])
        await announceAs(owner, keys, { ...said, sequence: Date.now(), files: serving(id) })
      } else expect(await owner.heartbeat(keys.peer, first)).toMatchObject({ resync: false })
      for (const replica of [0, 1]) await until(async () => (await named(id, { replica })).length === 1)
      for (const replica of [0, 1]) expect(await named(id, { replica })).toEqual(before)
    },
  )
})

test('the owner of a peer needs no further proof, and its key can move it to another user', async () => {
  const id = await publish('moved')
  const keys = await newIdentity()
  const { port } = await listening(keys)
  const said = { peer: keys.peer, port, tls: true, files: serving(id) }
  await announceAs(owner, keys, { ...said, sequence: 1 })
  expect(await owner.announce({ ...said, sequence: 2 })).toMatchObject({ resync: false })
  expect(await owner.heartbeat(keys.peer, 2)).toMatchObject({ resync: false })
  await announceAs(thief, keys, { ...said, sequence: 3 })
  expect(await thief.heartbeat(keys.peer, 3)).toMatchObject({ resync: false })
  await expect(owner.heartbeat(keys.peer, 3)).rejects.toMatchObject(code('PEER_UNPROVEN'))
  expect(await named(id)).toMatchObject([{ peer: keys.peer }])
})

test('a sequence more than a minute ahead of the clock is refused, in announces and heartbeats', async () => {
  const keys = identityOf('hasty')
  const announce = (sequence: number) =>
    announceAs(owner, keys, { port: 4000, tls: true, sequence, files: [] })
  await expect(announce(Date.now() + 65_000)).rejects.toMatchObject({
    ...code('BAD_REQUEST'),
    message: expect.stringMatching(/6\d s ahead of the tracker's clock/),
  })
  const sequence = Date.now() + 55_000
  expect(await announce(sequence)).toMatchObject({ resync: false })
  expect(await owner.heartbeat(keys.peer, sequence)).toMatchObject({ resync: false })
  await expect(owner.heartbeat(keys.peer, Date.now() + 65_000)).rejects.toMatchObject(code('BAD_REQUEST'))
})
