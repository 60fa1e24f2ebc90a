import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import { announceAs, identityOf } from '../../testkit/test-peer.ts'
import { BODY, MAX_ANNOUNCED_GROUPS } from '../../tracker-client/api/limits.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { TestFleet } from '../support/tracker-fleet.ts'

/** The tracker runs in this process, to measure its event loop and memory; a child process sends the requests. */
const SENDER = `
process.on('message', async ({ id, url, requests }) => {
  if (!requests) return
  const texts = requests.map(({ body: { head, unit, times, tail } }) => head + unit.repeat(times) + tail)
  process.send({ id })
  process.once('message', async () => {
    const began = performance.now()
    const health = fetch(new URL('/healthz', url)).then(() => performance.now() - began)
    const statuses = await Promise.all(requests.map(async ({ method, path, headers }, i) => {
      const response = await fetch(url + path, { method, headers, body: texts[i] }).catch(() => null)
      if (response === null) return [0, 0]
      return [response.status, (await response.text()).length]
    }))
    process.send({ id, statuses, healthMs: await health })
  })
})`
const AT_ONCE = 8
/** A refused body may block others for 50 ms. The largest legal one takes 10 to 40 ms on a quiet machine, twice that on a busy one. */
const LEGAL_MS = 100
const FILE = 'ab'.repeat(32)
/** The first announce proves the key, so that the tracker accepts the others. */
const KEYS = identityOf('one')
const PEER = KEYS.peer

let fleet: TestFleet
let owner: TrackerClient
let sender: ChildProcess
beforeAll(async () => {
  fleet = await TestFleet.start()
  owner = await fleet.user('owner')
  await owner.createGroup('team')
  sender = spawn(process.execPath, ['-e', SENDER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
})
afterAll(async () => {
  sender.kill()
  await once(sender, 'exit')
  await fleet.stop()
})

/** `head`, `unit` repeated, and `tail`, concatenated by the sender. */
interface Text {
  head: string
  unit: string
  times: number
  tail: string
}

interface Sent {
  method: string
  path: string
  headers: Record<string, string>
  body: Text
}

const text = (head: string, unit = '', times = 0, tail = ''): Text => ({ head, unit, times, tail })

interface Heard {
  id: string
  statuses: [number, number][]
  healthMs: number
}

/**
 * Measures the longest turn of this process's event loop in processor time, which other processes on a busy machine do
 * not lengthen. `stop` returns milliseconds.
 */
function watchTurns(): { stop(): number } {
  let [last, longest, watching] = [cpuMs(), 0, true]
  const look = (): void => {
    const now = cpuMs()
    longest = Math.max(longest, now - last)
    last = now
    if (watching) setImmediate(look)
  }
  setImmediate(look)
  return {
    stop: () => {
      watching = false
      return longest
    },
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

async function send(requests: readonly Sent[]) {
  const id = randomUUID()
  const prepared = once(sender, 'message')
  sender.send({ id, url: fleet.url, requests })
  await prepared
  const before = process.memoryUsage.rss()
  const delays = monitorEventLoopDelay({ resolution: 1 })
  const answered = once(sender, 'message')
  delays.enable()
  const turns = watchTurns()
  sender.send({ id })
  const [{ statuses, healthMs }] = (await answered) as [Heard]
  delays.disable()
  const turnMs = turns.stop()
  return {
    statuses: statuses.map(([status]) => status),
    longest: Math.max(...statuses.map(([, length]) => length)),
    turnMs,
    delayMs: delays.max / 1e6,
    grownMb: (process.memoryUsage.rss() - before) / 2 ** 20,
    healthMs,
  }
}

/** The median of three attempts, each with eight requests at once. */
async function measured(what: string, make: (i: number, attempt: number) => Sent) {
  const tries: Awaited<ReturnType<typeof send>>[] = []
  for (let attempt = 0; attempt < 3; attempt++)
    tries.push(await send(Array.from({ length: AT_ONCE }, (_, i) => make(i, attempt))))
  const median = (pick: (of: (typeof tries)[number]) => number): number =>
    tries.map(pick).sort((a, b) => a - b)[1]!
  const figures = {
    what,
    statuses: [...new Set(tries.flatMap(({ statuses }) => statuses))],
    turnMs: Math.round(median(({ turnMs }) => turnMs)),
    delayMs: Math.round(median(({ delayMs }) => delayMs)),
    grownMb: Math.round(median(({ grownMb }) => grownMb)),
    healthMs: Math.round(median(({ healthMs }) => healthMs)),
    longest: Math.max(...tries.map(({ longest }) => longest)),
  }
  if (process.env.SHOAL_FIGURES) process.stderr.write(`${JSON.stringify(figures)}\n`)
  return figures
}

const headersOf = (type = 'application/json'): Record<string, string> => ({
  authorization: `Bearer ${owner.token}`,
  'content-type': type,
  'idempotency-key': randomUUID(),
})

/** Bodies that no route accepts, each as long as the route allows, and one twice as long. */
const HOSTILE: Record<string, (bytes: number) => Text> = {
  deep: (bytes) => text('', '[', bytes),
  'deep objects': (bytes) => text('', '{"a":', Math.floor(bytes / 5)),
  wide: (bytes) => text('[', '{},', Math.floor(bytes / 3) - 2, '1]'),
  'many members': (bytes) => text('{', '"a":1,', Math.floor(bytes / 6) - 2, '"b":1}'),
  'a long string': (bytes) => text('{"user":"', 'x', bytes - 11, '"}'),
  'an escaped string': (bytes) => text('{"user":"', '\\n', bytes / 2 - 8, '"}'),
  'many errors': (bytes) => text('{"files":[', '{"group":1},', Math.floor(bytes / 12) - 3, '1]}'),
  'too long': (bytes) => text('', '[', 2 * bytes),
}

test('eight hostile bodies at once, at the limit of each route, do not block others or stay in memory', async () => {
  const { paths } = (await fleet.send('GET', '/v1/openapi.json')).body as {
    paths: Record<string, Record<string, { 'x-body-limit'?: number; requestBody?: object; security?: [] }>>
  }
  const seen: number[] = []
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { 'x-body-limit': limit, requestBody, security }] of Object.entries(methods)) {
      if (method === 'get') continue
      expect([path, limit]).toEqual([path, expect.any(Number)])
      if (security?.length === 0) expect(limit).toBe(BODY.public)
      if (!requestBody) continue
      seen.push(limit!)
      const url = path.replace('{group}', 'team').replace('{fileId}', FILE)
      for (const [what, make] of Object.entries(HOSTILE)) {
        const body = make(limit!)
        const request = () => ({ method: method.toUpperCase(), path: url, headers: headersOf(), body })
        const figures = await measured(`${method} ${path}: ${what}`, request)
        const context = JSON.stringify(figures)
        // The connection is closed on one that is far too long: a client that keeps sending may miss the answer.
        const cutOff = what === 'too long' && limit === BODY.announce ? [0] : []
        for (const status of figures.statuses) expect([400, 413, ...cutOff]).toContain(status)
        expect([figures.longest < 1000, context]).toEqual([true, context])
        expect([figures.turnMs <= 50, context]).toEqual([true, context])
        expect([figures.grownMb <= 50, context]).toEqual([true, context])
      }
    }
  expect(new Set(seen)).toEqual(new Set([BODY.public, BODY.session, BODY.publish, BODY.announce]))
}, 300_000)

test('a request without a session is refused before its body is read', async () => {
  const { statuses } = await send([
    {
      method: 'POST',
      path: '/v1/announce',
      headers: { 'content-type': 'application/json' },
      body: text('', '[', BODY.announce),
    },
  ])
  expect(statuses).toEqual([401])
})

test('an announce of 100,000 unknown groups is refused, one of the maximum is answered, and Redis stays connected', async () => {
  const connections = async () => (await fleet.send('GET', '/readyz')).body
  const announce = `{"peer":"${PEER}","port":4000,"tls":true,"sequence":1,"files":[`
  const same = '{"group":"unknown","complete":"","partial":""},'
  const others = Array.from({ length: MAX_ANNOUNCED_GROUPS }, (_, i) =>
    JSON.stringify({ group: `unknown-${i}`, complete: '', partial: '' }),
  )
  const request = (body: Text): Sent => ({ method: 'POST', path: '/v1/announce', headers: headersOf(), body })
  const many = text(announce, same, 99_999, `${same.slice(0, -1)}]}`)
  const most = text(`${announce}${others.join()}]}`)
  const refused = await measured('100,000 unknown groups', () => request(many))
  expect(refused).toMatchObject({ statuses: [413] })
  await announceAs(owner, KEYS, { port: 4000, tls: true, sequence: 0, files: [] })
  const taken = await measured('1,024 unknown groups', () => request(most))
  expect(taken).toMatchObject({ statuses: [200] })
  for (const figures of [refused, taken]) {
    expect([figures.turnMs <= LEGAL_MS, figures]).toEqual([true, figures])
    expect([figures.grownMb <= 50, figures]).toEqual([true, figures])
  }
  expect(await connections()).toEqual({ ready: true })
})

test('eight announces of 100,000 ids are handled in slices, and other requests are answered meanwhile', async () => {
  // The sender repeats a unit of 1,000 ids, so that the sets are long but the swarms few.
  const ids = (first: number): string =>
    Array.from({ length: 1000 }, (_, i) => (first + i).toString(16).padStart(64, '0')).join('')
  const peers = Array.from({ length: AT_ONCE }, (_, i) => identityOf(`long ${i}`))
  for (const keys of peers) await announceAs(owner, keys, { port: 4000, tls: true, sequence: 0, files: [] })
  const peer = (i: number): string => peers[i % AT_ONCE]!.peer
  const figures = await measured('100,000 ids', (i, attempt) => ({
    method: 'POST',
    path: '/v1/announce',
    headers: headersOf(),
    body: text(
      `{"peer":"${peer(i)}","port":4000,"tls":true,"sequence":${1 + attempt},"files":[{"group":"team","complete":"`,
      ids(1000 * attempt),
      100,
      '","partial":""}]}',
    ),
  }))
  expect(figures).toMatchObject({ statuses: [200] })
  expect([figures.turnMs <= LEGAL_MS, figures]).toEqual([true, figures])
  expect((await owner.heartbeat(peer(0), 3)).resync).toBe(false)
}, 120_000)

test('eight of the largest publishes and hash pages at once do not block others', async () => {
  const hashes = randomBytes(64 * 32)
  const id = fileId(64 * CHUNK_SIZE, merkleRoot(hashes))
  const file = (i: number) => ({
    name: `f${i}`,
    fileId: id,
    size: 64 * CHUNK_SIZE,
    hashes: hashes.toString('base64'),
  })
  const body = text(JSON.stringify({ files: Array.from({ length: 100 }, (_, i) => file(i)) }))
  const publish = await measured('100 files', () => ({
    method: 'POST',
    path: '/v1/groups/team/files',
    headers: headersOf(),
    body,
  }))
  expect(publish).toMatchObject({ statuses: [200] })
  const page = await measured('a page of hashes', () => ({
    method: 'PUT',
    path: `/v1/groups/team/hashes/${PEER}?first=0`,
    headers: headersOf('application/octet-stream'),
    body: text('', 'x', BODY.hashPage),
  }))
  expect(page).toMatchObject({ statuses: [204] })
  for (const figures of [publish, page])
    expect([figures.turnMs <= LEGAL_MS, figures]).toEqual([true, figures])
})
