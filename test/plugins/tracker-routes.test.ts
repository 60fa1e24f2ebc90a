import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestRedis } from '../../testkit/redis-server.ts'
import type { TrackerPlugin } from '../../tracker/seam.ts'
import { type RunningTracker, startTracker } from '../../tracker/start.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { PASSWORD } from '../support/tracker-fleet.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-routes-'))
let redis: TestRedis
let tracker: RunningTracker

const notes: TrackerPlugin = ({ app, requireSession }) => {
  const answer = async (): Promise<object> => ({ ok: true })
  app.post('/notes', answer)
  app.post('/long-notes', { bodyLimit: 65_536 }, answer)
  app.post('/many-notes', { bodyLimit: 65_536, config: { maxValues: 5000 } }, answer)
  app.post('/members', { onRequest: requireSession }, async (request) => ({ user: request.actor?.user }))
}
const trespasser: TrackerPlugin = ({ app }) => {
  app.get('/v1/mine', async () => 'mine')
}

beforeAll(async () => {
  redis = await TestRedis.start()
  tracker = await startTracker({
    listen: { host: '127.0.0.1', port: 0 },
    redis: redis.url,
    dataFolder: folder,
    log: 'silent',
    extensions: [
      { name: 'trespasser', setting: () => undefined, setup: trespasser },
      { name: 'notes', setting: () => undefined, setup: notes },
    ],
  })
})
afterAll(async () => {
  await tracker?.stop()
  await redis?.stop()
  rmSync(folder, { recursive: true })
})

async function post(path: string, body: string, token?: string) {
  const headers = {
    'content-type': 'application/json',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  }
  const response = await fetch(tracker.url + path, { method: 'POST', headers, body })
  return { status: response.status, body: await response.json() }
}

/** A JSON string of `length` bytes. */
const text = (length: number): string => JSON.stringify('x'.repeat(length - 2))
const list = (length: number): string => JSON.stringify(Array(length).fill(1))

test("a plugin's route takes bodies of 4 KiB, or of its own limit", async () => {
  expect(await post('/notes', text(4096))).toEqual({ status: 200, body: { ok: true } })
  expect(await post('/notes', text(4097))).toMatchObject({
    status: 413,
    body: { error: { code: 'TOO_LARGE' } },
  })
  expect((await post('/long-notes', text(65_536))).status).toBe(200)
  expect((await post('/long-notes', text(65_537))).status).toBe(413)
})

test("a plugin's route takes 2,000 values, or as many as it says", async () => {
  expect((await post('/long-notes', list(1900))).status).toBe(200)
  expect(await post('/long-notes', list(2100))).toMatchObject({
    status: 413,
    body: { error: { code: 'TOO_LARGE' } },
  })
  expect((await post('/many-notes', list(2100))).status).toBe(200)
})

test('requireSession lets only users through, and says who they are', async () => {
  expect(await post('/members', '{}')).toMatchObject({
    status: 401,
    body: { error: { code: 'NOT_LOGGED_IN' } },
  })
  const client = new TrackerClient({ trackers: [tracker.url], patienceMs: 0 })
  await client.register('ann', PASSWORD)
  await client.login('ann', PASSWORD)
  expect(await post('/members', '{}', client.token ?? '')).toEqual({ status: 200, body: { user: 'ann' } })
})

test("a plugin that takes a path of the tracker's own is left out, and the others are not", async () => {
  expect((await fetch(`${tracker.url}/v1/mine`)).status).toBe(404)
})
