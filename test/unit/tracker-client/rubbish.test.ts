import nock from 'nock'
import { TrackerClient } from '../../../tracker-client/client.ts'

const BAD = 'http://bad.example:8080'
const GOOD = 'http://good.example:8080'

beforeAll(() => nock.disableNetConnect())
afterEach(() => nock.cleanAll())
afterAll(() => nock.restore())

const page = '<!doctype html><title>Welcome to the hotel</title>'
const rubbish: [what: string, status: number, body: string, headers: Record<string, string>][] = [
  ['HTML', 200, page, { 'content-type': 'text/html' }],
  ['nothing at all', 200, '', {}],
  ['half a JSON document', 200, '{"user": "an', {}],
  ['JSON of another shape', 200, '{"name": "ann"}', {}],
  ['a field of another type', 200, '{"user": 7}', {}],
  ['null', 200, 'null', {}],
  ['more than any answer has', 200, `{"user": "${'x'.repeat(17 * 1024 * 1024)}"}`, {}],
  ['a redirect', 302, '', { location: 'http://evil.example/' }],
  ['an error page', 404, page, {}],
  ['an unknown error', 418, '{"error": {"code": "TEAPOT", "message": "short and stout"}}', {}],
  ['an error without a sentence', 500, '{"error": {"code": "INTERNAL"}}', {}],
]

test.each(rubbish)(
  '%s is TRACKER_BAD_ANSWER, after asking the other trackers',
  async (_, status, body, headers) => {
    nock(BAD).get('/v1/users/me').times(2).reply(status, body, headers)
    const alone = new TrackerClient({ trackers: [BAD] })
    await expect(alone.whoami()).rejects.toMatchObject({
      code: 'TRACKER_BAD_ANSWER',
      message: expect.stringContaining(BAD),
    })
    nock(GOOD).get('/v1/users/me').reply(200, { user: 'ann' })
    expect(await new TrackerClient({ trackers: [BAD, GOOD] }).whoami()).toEqual({ user: 'ann' })
  },
)

test('hashes of a wrong length or content type are TRACKER_BAD_ANSWER', async () => {
  const fileId = 'a'.repeat(64)
  const bytes = { 'content-type': 'application/octet-stream' }
  const path = `/v1/groups/team/hashes/${fileId}`
  nock(BAD).get(path).query(true).reply(200, Buffer.alloc(33), bytes)
  nock(BAD).get(path).query(true).reply(200, Buffer.alloc(96), bytes)
  nock(BAD).get(path).query(true).reply(200, '{}', { 'content-type': 'application/json' })
  const client = new TrackerClient({ trackers: [BAD] })
  for (let i = 0; i < 3; i++)
    await expect(client.hashes('team', fileId, 0, 2)).rejects.toMatchObject({ code: 'TRACKER_BAD_ANSWER' })
})

test('a proxy without a tracker behind it does not count as a tracker', async () => {
  nock(BAD).get('/v1/users/me').reply(502, page)
  await expect(new TrackerClient({ trackers: [BAD] }).whoami()).rejects.toMatchObject({
    code: 'TRACKER_UNREACHABLE',
    message: expect.stringContaining('status 502'),
  })
})

test('a change that is answered with a web page instead of 204 does not count as made', async () => {
  nock(BAD).delete('/v1/sessions/current').reply(200, page)
  await expect(new TrackerClient({ trackers: [BAD] }).logout()).rejects.toMatchObject({
    code: 'TRACKER_BAD_ANSWER',
  })
})
