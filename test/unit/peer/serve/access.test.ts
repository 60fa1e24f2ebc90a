import { request as plainRequest } from 'node:http'
import { SignJWT } from 'jose'
import { CLOCK_TOLERANCE_S, GRANT_TYPE } from '../../../../protocol/grants.ts'
import { filePath, havePath, proofPath } from '../../../../protocol/peer-wire.ts'
import { content } from '../../../support/peer/content.ts'
import { seconds, TestKeys } from '../../../support/peer/grants.ts'
import { type Answer, ServeFixture } from '../../../support/peer/serve-fixture.ts'

const FILE = content(1000)
const OTHER = content(2000, 7)
const fixture = new ServeFixture()
beforeAll(async () => {
  await fixture.open()
  await fixture.share(FILE, 'file.bin')
  await fixture.share(OTHER, 'other.bin')
})
afterAll(() => fixture.close())

const refused = (answer: Answer): void => {
  expect(answer).toMatchObject({ status: 403, code: 'GRANT_INVALID' })
  expect(answer.body.includes(FILE.data.subarray(0, 16))).toBe(false)
}

test('a grant opens the file to the certificate that it names', async () => {
  const answer = await fixture.ask(FILE)
  expect(answer.status).toBe(200)
  expect(answer.body.equals(FILE.data)).toBe(true)
  expect(answer.headers.etag).toBe(`"${FILE.fileId}"`)
})

test.each([
  ['none', null],
  ['an empty one', ''],
  ['not a JWT', 'secret'],
  ['dots', '..'],
  ['a long one', 'a'.repeat(5000)],
])('%s is not accepted as a grant', async (_, grant) => {
  refused(await fixture.ask(FILE, { grant }))
})

test('a grant altered in any part is refused', async () => {
  const grant = await fixture.grantFor(FILE)
  const parts = grant.split('.') as [string, string, string]
  for (const [i, part] of parts.entries()) {
    const altered = [...parts]
    altered[i] = (part[0] === 'A' ? 'B' : 'A') + part.slice(1)
    refused(await fixture.ask(FILE, { grant: altered.join('.') }))
    altered[i] = ''
    refused(await fixture.ask(FILE, { grant: altered.join('.') }))
  }
  const claims = { ...JSON.parse(Buffer.from(parts[1], 'base64url').toString()), fid: OTHER.fileId }
  parts[1] = Buffer.from(JSON.stringify(claims)).toString('base64url')
  refused(await fixture.ask(OTHER, { grant: parts.join('.') }))
})

test('a grant of another signer, algorithm or type is refused', async () => {
  refused(await fixture.ask(FILE, { grant: await new TestKeys().sign(FILE.fileId, fixture.client.peer) }))
  refused(
    await fixture.ask(FILE, {
      grant: await fixture.keys.sign(FILE.fileId, fixture.client.peer, {}, { typ: 'JWT' }),
    }),
  )
  const good = (await fixture.grantFor(FILE)).split('.')[1] ?? ''
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: GRANT_TYPE })).toString('base64url')
  refused(await fixture.ask(FILE, { grant: `${none}.${good}.` }))
  const publicKey = Buffer.from(fixture.keys.current().keys[0]?.x ?? '', 'base64url')
  const confused = new SignJWT(JSON.parse(Buffer.from(good, 'base64url').toString()))
    .setProtectedHeader({ alg: 'HS256', typ: GRANT_TYPE, kid: 'first' })
    .sign(publicKey)
  refused(await fixture.ask(FILE, { grant: await confused }))
})

test('a grant for another file or group, or an expired one, is refused', async () => {
  const { peer } = fixture.client
  const past = seconds() - CLOCK_TOLERANCE_S - 5
  refused(await fixture.ask(FILE, { grant: await fixture.grantFor(OTHER) }))
  refused(
    await fixture.ask(FILE, { grant: await fixture.keys.sign(FILE.fileId, peer, { grp: 'strangers' }) }),
  )
  refused(
    await fixture.ask(FILE, {
      grant: await fixture.keys.sign(FILE.fileId, peer, { iat: past - 200, exp: past }),
    }),
  )
  refused(
    await fixture.ask(FILE, { grant: await fixture.keys.sign(FILE.fileId, peer, { exp: seconds() + 9999 }) }),
  )
})

test('a copied grant is useless with another certificate or none', async () => {
  const grant = await fixture.grantFor(FILE)
  expect((await fixture.ask(FILE, { grant })).status).toBe(200)
  refused(await fixture.ask(FILE, { grant, as: await fixture.identity('thief') }))
  refused(await fixture.ask(FILE, { grant, as: null }))
  refused(
    await fixture.ask(FILE, {
      grant: await fixture.keys.sign(FILE.fileId, 'none', {}),
      as: await fixture.identity('thief'),
    }),
  )
})

test('every request for a file needs the grant', async () => {
  for (const path of [havePath(FILE.fileId), proofPath(FILE.fileId, 0)])
    for (const grant of [null, await fixture.grantFor(OTHER)])
      refused(await fixture.ask(FILE, { path, grant }))
})

test('without a grant, a served and a missing file look alike', async () => {
  const absent = content(10, 99)
  const [here, notHere] = [
    await fixture.ask(FILE, { grant: null }),
    await fixture.ask(absent, { grant: null }),
  ]
  expect(notHere.body.toString()).toBe(here.body.toString())
  expect(notHere.status).toBe(here.status)
})

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])('%s is not served', async (method) => {
  expect(await fixture.ask(FILE, { method })).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
})

test.each([
  '/',
  '/v1/files/',
  '/v1/files/../../etc/passwd',
  '/v1/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  `/v1/files/${FILE.fileId.toUpperCase()}`,
  `/v1/files/${FILE.fileId}/`,
  `/v1/files/${FILE.fileId}/../${FILE.fileId}`,
  `/v1/files/${FILE.fileId}/proof/-1`,
  `/v1/files/${FILE.fileId}/proof/99999999999`,
  `/v1/files/${FILE.fileId}?x=1`,
  `//v1/files/${FILE.fileId}`,
  '/v1/files/__proto__',
])('%s is not a route', async (path) => {
  expect(await fixture.ask(FILE, { path })).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
})

test('a client without TLS gets nothing', async () => {
  const plain = new Promise((resolve, reject) => {
    plainRequest({ host: '127.0.0.1', port: fixture.server.port, path: '/' }, resolve)
      .on('error', reject)
      .end()
  })
  await expect(plain).rejects.toThrow()
})

test('a fetching peer that serves is reported with its proven certificate, unless its port is invalid', async () => {
  fixture.seen.length = 0
  for (const port of ['4711', '0', '65536', '-1', 'x', '1.5'])
    await fixture.ask(FILE, { headers: { 'shoal-peer-port': port } })
  await fixture.ask(FILE, { headers: { 'shoal-peer-port': '4712' }, grant: null })
  expect(fixture.seen).toEqual([
    { fileId: FILE.fileId, peer: fixture.client.peer, host: '127.0.0.1', port: 4711 },
  ])
  expect(fixture.errors).toEqual([])
})

test('a grant in the URL is checked like one in the header', async () => {
  const grant = await fixture.grantFor(FILE)
  const path = filePath(FILE.fileId)
  expect((await fixture.ask(FILE, { grant: null, path: `${path}?grant=${grant}` })).status).toBe(200)
  refused(await fixture.ask(FILE, { grant: null, path: `${path}?grant=${await fixture.grantFor(OTHER)}` }))
  refused(await fixture.ask(FILE, { grant: null, path: `${path}?grant=` }))
  const other = await fixture.ask(FILE, { grant: null, path: `${path}?other=${grant}` })
  expect(other.status).toBe(404)
})
