import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { TrackerClient } from '../../../tracker-client/client.ts'

const servers: { close(): unknown; closeAllConnections?(): void }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.()
    server.close()
  }
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function serve(
  handler: Handler,
): Promise<{ url: string; requests: IncomingMessage[]; server: Server }> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    request.resume()
    handler(request, response)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, server }
}

/** An address where nothing listens. */
async function nobody(): Promise<string> {
  const { url, server } = await serve(() => {})
  await new Promise((resolve) => server.close(resolve))
  return url
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Handler => {
  return (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
const ann = json({ user: 'ann' })
const down = json({ error: { code: 'STORE_UNAVAILABLE', message: 'no Redis' } }, 503)

test('a tracker that refuses connections costs no time, and the next call goes straight to the good one', async () => {
  const good = await serve(ann)
  const client = new TrackerClient({ trackers: [await nobody(), good.url] })
  const start = performance.now()
  expect(await client.whoami()).toEqual({ user: 'ann' })
  expect(performance.now() - start).toBeLessThan(1000)
  await client.whoami()
  expect(good.requests).toHaveLength(2)
})

test('a hanging tracker costs less than two seconds once, before or during its answer', async () => {
  const silent = await serve(() => {})
  const stuck = await serve((_, response) => response.writeHead(200).write('{"us'))
  const good = await serve(ann)
  for (const bad of [silent, stuck]) {
    const client = new TrackerClient({ trackers: [bad.url, good.url] })
    const start = performance.now()
    expect(await client.whoami()).toEqual({ user: 'ann' })
    expect(performance.now() - start).toBeLessThan(2000)
    await client.whoami()
    expect(bad.requests).toHaveLength(1)
  }
})

test('a change has the same idempotency key for every tracker, and the next change another', async () => {
  const bad = await serve(down)
  const good = await serve(json({ revision: 1 }, 201))
  const client = new TrackerClient({ trackers: [bad.url, good.url] })
  await client.createGroup('team')
  await client.createGroup('team')
  const key = (request: IncomingMessage | undefined) => request?.headers['idempotency-key']
  expect(key(bad.requests[0])).toMatch(/^[0-9a-f-]{36}$/)
  expect(key(bad.requests[0])).toBe(key(good.requests[0]))
  expect(key(good.requests[1])).not.toBe(key(good.requests[0]))
})

test('trackers without a store are reported as such, not as unreachable', async () => {
  const client = new TrackerClient({
    trackers: [(await serve(down)).url, (await serve(down)).url, await nobody()],
    patienceMs: 0,
  })
  await expect(client.whoami()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: 'no Redis' })
})

test('while Redis is away a change is retried until the first answer', async () => {
  let refusals = 2
  const failingOver = await serve((request, response) => {
    if (refusals-- > 0) down(request, response)
    else json({ revision: 1 }, 201)(request, response)
  })
  expect(await new TrackerClient({ trackers: [failingOver.url] }).createGroup('team')).toEqual({
    revision: 1,
  })
  expect(failingOver.requests).toHaveLength(3)
  expect(new Set(failingOver.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
})

test('a long Redis outage is reported after the retry time, and a heartbeat does not wait for it', async () => {
  const away = await serve(down)
  const client = new TrackerClient({ trackers: [away.url], patienceMs: 700 })
  const start = performance.now()
  await expect(client.heartbeat('peer', 1)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  })
  expect(away.requests).toHaveLength(1)
  await expect(client.whoami()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(performance.now() - start).toBeLessThan(1500)
})

test('if no tracker answers, the error names them all and says what to do', async () => {
  const trackers = [await nobody(), await nobody()]
  const error = await new TrackerClient({ trackers }).whoami().catch((error) => error)
  expect(error).toMatchObject({
    code: 'TRACKER_UNREACHABLE',
    hint: expect.stringContaining('shoal tracker start'),
  })
  for (const tracker of trackers) expect(error.message).toContain(`${tracker} (connection refused)`)
  await expect(new TrackerClient({ trackers: [] }).whoami()).rejects.toMatchObject({
    code: 'TRACKER_UNREACHABLE',
  })
})

test('a tracker’s refusal is final: no other tracker is asked', async () => {
  const first = await serve(json({ error: { code: 'NOT_A_MEMBER', message: 'no', hint: 'join' } }, 403))
  const second = await serve(ann)
  const client = new TrackerClient({ trackers: [first.url, second.url] })
  await expect(client.group('team')).rejects.toMatchObject({ code: 'NOT_A_MEMBER', hint: 'join' })
  expect(second.requests).toHaveLength(0)
})

test('a single tracker that reset the connection is asked once more', async () => {
  let cut = true
  const flaky = await serve((request, response) => {
    if (cut) request.socket.destroy()
    else ann(request, response)
    cut = false
  })
  expect(await new TrackerClient({ trackers: [flaky.url] }).whoami()).toEqual({ user: 'ann' })
})

test('a truncated answer is reported as a bad answer if no other tracker does better', async () => {
  const short = await serve((_, response) => {
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      .write('{"user":', () => response.destroy())
  })
  await expect(new TrackerClient({ trackers: [short.url] }).whoami()).rejects.toMatchObject({
    code: 'TRACKER_BAD_ANSWER',
  })
  const good = await serve(ann)
  expect(await new TrackerClient({ trackers: [short.url, good.url] }).whoami()).toEqual({ user: 'ann' })
})

test('a port that does not speak HTTP counts as unreachable', async () => {
  const server = createTcpServer((socket) => socket.end('220 mail.example ESMTP\r\n'))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(new TrackerClient({ trackers: [url] }).whoami()).rejects.toMatchObject({
    code: 'TRACKER_UNREACHABLE',
    message: expect.stringContaining('it does not speak HTTP'),
  })
})

test('the highest revision seen of a group is sent with every request about it, even after a failover', async () => {
  const body = { group: 'team', owner: 'ann', role: 'owner', members: [], files: 0, revision: 9 }
  const first = await serve(json(body, 200, { 'shoal-revision': '9' }))
  const second = await serve(json(body, 200, { 'shoal-revision': '4' }))
  const client = new TrackerClient({ trackers: [first.url, second.url] })
  await client.group('team')
  first.server.closeAllConnections()
  first.server.close()
  await client.group('team')
  await client.group('team')
  await client.group('other')
  expect(second.requests.map((request) => request.headers['shoal-revision'])).toEqual(['9', '9', undefined])
})

test('a broken event stream continues on another tracker where it ended', async () => {
  const event = (revision: number) =>
    `id: ${revision}\ndata: ${JSON.stringify({ type: 'member.requested', user: 'u', group: 'team', revision })}\n\n`
  const first = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(1) + event(2))
    setImmediate(() => response.destroy())
    first.server.close()
  })
  const second = await serve((request, response) => {
    const since = Number(new URL(request.url ?? '', 'http://x').searchParams.get('since'))
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(since) + event(since + 1))
  })
  const stop = new AbortController()
  const seen: number[] = []
  const client = new TrackerClient({ trackers: [first.url, second.url] })
  for await (const { revision } of client.events('team', 0, stop.signal)) {
    seen.push(revision)
    if (revision === 3) stop.abort()
  }
  expect(seen).toEqual([1, 2, 3])
})

test('a refused event stream throws, and one without an answer retries until it is aborted', async () => {
  const refuse = await serve(json({ error: { code: 'NOT_A_MEMBER', message: 'no' } }, 403))
  const stop = new AbortController()
  const refused = new TrackerClient({ trackers: [refuse.url] }).events('team', 0, stop.signal)
  await expect(refused[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
  const waiting = new TrackerClient({ trackers: [await nobody()] }).events('team', 0, stop.signal)
  const next = waiting[Symbol.asyncIterator]().next()
  stop.abort()
  expect(await next).toEqual({ done: true, value: undefined })
})
