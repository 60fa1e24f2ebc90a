import { Bitmap } from '../../../../../protocol/bitmap.ts'
import { ShoalError } from '../../../../../protocol/errors.ts'
import { ASKED_HEADER, PENDING } from '../../../../../protocol/peer-wire.ts'
import { until } from '../../../../../testkit/until.ts'
import { RawServer } from '../../../../support/peer/raw-server.ts'
import { type Asked, CHUNKS, haveResponse, SwarmBench } from '../../../../support/peer/swarm-bench.ts'

let bench: SwarmBench
beforeEach(() => {
  bench = new SwarmBench()
})
afterEach(() => bench.swarm.close())

test('have-streams are reopened with a fresh grant, and chunks that arrived meanwhile are learned', async () => {
  const server = await RawServer.start((_, socket) => {
    const have = new Bitmap(CHUNKS)
    for (let chunk = 0; chunk < server.requests.length; chunk++) have.add(chunk)
    socket.write(haveResponse(have))
  })
  try {
    bench.swarm.offer([{ ...server.address, complete: false }])
    const [first] = await bench.take(1)
    expect(first).toMatchObject({ extent: { first: 0, count: 1 } })
    first!.received(0)
    await first!.fetched()
    bench.swarm.retry()
    expect(server.requests).toHaveLength(1)
    bench.grant = 'fresh'
    bench.swarm.retry()
    expect(await bench.take(1)).toMatchObject([{ extent: { first: 1, count: 1 } }])
    expect(server.requests.map(({ head }) => /Bearer (\S+)/i.exec(head)?.[1])).toEqual(['g', 'fresh'])
    await until(() => server.connections === 1)
    expect(bench.told).toEqual(['f0 joined'])
  } finally {
    bench.swarm.close()
    await server.close()
  }
})

test('a peer that denies a chunk that it announced is asked for its holdings, and then backs off', async () => {
  const lists: number[] = []
  const server = await RawServer.start((_, socket) => {
    lists.push(performance.now())
    socket.write(haveResponse(Bitmap.full(CHUNKS), { ends: true }))
  })
  const liar = { ...server.address, complete: true }
  const denied = new ShoalError('CHUNK_NOT_HELD', 'not here')
  try {
    await bench.meet(liar)
    for (let denials = 1; denials <= 3; denials++) {
      await bench.failAll(await bench.take(2), denied)
      bench.assigned.length = 0
      await until(() => {
        bench.swarm.offer([liar])
        return bench.assigned.length === 2
      })
    }
    // Asked regardless of the tracker: at once, after half a second, and after a second.
    expect(lists).toHaveLength(3)
    expect(lists[1]! - lists[0]!).toBeGreaterThan(450)
    expect(lists[2]! - lists[1]!).toBeGreaterThan(900)
    expect(bench.told.filter((told) => told === 'f0 left')).toHaveLength(3)
  } finally {
    await server.close()
  }
})

/** A swarm of a dozen peers with one chunk each, and a seed that answers followers with `seedTells`. */
async function withCrowd(seedTells: Buffer, act: (seed: string, server: RawServer) => Promise<void>) {
  const followsSeed = ({ head }: { head: string }): boolean => head.includes(`\r\n${ASKED_HEADER}: 1\r\n`)
  const server = await RawServer.start((request, socket) => {
    if (followsSeed(request)) return void socket.end(seedTells)
    const have = new Bitmap(CHUNKS)
    have.add(server.requests.filter((other) => !followsSeed(other)).length)
    socket.write(haveResponse(have))
  })
  try {
    const seed = server.address.peer
    bench.swarm.offer([{ ...server.address, complete: true }])
    const crowd = Array.from({ length: 12 }, (_, n) => (n + 1).toString(16).padStart(64, '0'))
    bench.swarm.offer(crowd.map((peer) => ({ ...server.address, peer, complete: false })))
    await until(() => server.requests.some(followsSeed) && server.connections === 12)
    await act(seed, server)
  } finally {
    await server.close()
  }
}

/** The seed's first request, and its next one after that has arrived. */
async function askedNext(seed: string): Promise<number> {
  const isOfSeed = ({ peer }: Asked): boolean => peer === seed
  await until(() => bench.assigned.some(isOfSeed))
  const first = bench.assigned.find(isOfSeed)!
  bench.assigned.length = 0
  first.received(first.extent.first)
  await first.fetched()
  await until(() => bench.assigned.some(isOfSeed))
  return bench.assigned.find(isOfSeed)!.extent.first
}

test('in a large swarm a seed is followed, and not asked for chunks that others request from it', async () => {
  const free = [150, 199]
  const asked = Array.from({ length: CHUNKS }, (_, chunk) => chunk).filter((chunk) => !free.includes(chunk))
  const told = haveResponse(Bitmap.full(CHUNKS), {
    records: asked.map((chunk) => chunk | PENDING),
    ends: true,
  })
  await withCrowd(told, async (seed) => expect(free).toContain(await askedNext(seed)))
})

test.each([
  ['does not know of that', haveResponse(Bitmap.full(CHUNKS), { ends: true })],
  ['refuses to tell', Buffer.from('HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')],
  ['closes the connection', Buffer.alloc(0)],
])('a seed that %s when followed in a large swarm is still asked for chunks', async (_, answer) => {
  await withCrowd(answer, async (seed) => {
    expect([...Array(CHUNKS).keys()]).toContain(await askedNext(seed))
    expect(bench.told).not.toContain('f0 left')
  })
})
