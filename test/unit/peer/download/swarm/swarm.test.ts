import { Bitmap } from '../../../../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import { ShoalError } from '../../../../../protocol/errors.ts'
import { until } from '../../../../../testkit/until.ts'
import { RawServer } from '../../../../support/peer/raw-server.ts'
import { CHUNKS, haveResponse, OTHER, SEED, SwarmBench } from '../../../../support/peer/swarm-bench.ts'

let bench: SwarmBench
beforeEach(() => {
  bench = new SwarmBench()
})
afterEach(() => bench.swarm.close())

test('a seed that repeatedly leaves and returns is asked for as much as at first', async () => {
  await bench.meet(SEED)
  for (let life = 0; life < 3; life++) {
    await bench.failAll(await bench.take(2), new Error('reset'))
    await bench.rejoin(SEED)
  }
  expect(await bench.take(2)).toHaveLength(2)
  expect(bench.told).toEqual(['aa joined', ...Array(3).fill(['aa left', 'aa joined']).flat()])
})

test('one broken connection counts as one failure for all its extents, and the peer is retried soon', async () => {
  await bench.meet(SEED)
  await bench.failAll(await bench.take(2), new Error('reset'))
  const left = performance.now()
  await bench.rejoin(SEED)
  expect(performance.now() - left).toBeLessThan(900)
})

test('a peer that refuses a grant backs off only if it also refuses a fresh one', async () => {
  const over = new ShoalError('GRANT_INVALID', 'the grant is refused: it has expired')
  await bench.meet(SEED)
  const begun = performance.now()
  await bench.failAll(await bench.take(2), over)
  expect(bench.stale).toBe(1)
  await bench.rejoin(SEED)
  await bench.failAll(await bench.take(2), over)
  await bench.rejoin(SEED)
  // A failure after a failure would have taken 1.5 s.
  expect(performance.now() - begun).toBeLessThan(1400)
  await bench.failAll(await bench.take(2), over)
  const refused = performance.now()
  await bench.rejoin(SEED)
  expect(performance.now() - refused).toBeGreaterThan(900)
})

test('a peer that refused a grant is retried while others take part, without news from the tracker', async () => {
  await bench.meet(SEED, OTHER)
  const [first] = (await bench.take(4)).filter(({ peer }) => peer === SEED.peer)
  await first!.failed(new ShoalError('GRANT_INVALID', 'the grant is refused: it has expired'))
  const left = performance.now()
  expect(bench.swarm.size).toBe(1)
  // A peer with unknown holdings is first asked for them, and nobody listens at this one's address.
  await until(() => {
    bench.swarm.retry()
    return bench.swarm.size === 2
  })
  expect(performance.now() - left).toBeLessThan(900)
})

test('an answer to a request from before a peer left and returned has no effect', async () => {
  await bench.meet(SEED)
  const [first, second] = await bench.take(2)
  await first!.failed(new Error('reset'))
  await bench.rejoin(SEED)
  const now = await bench.take(2)
  await second!.failed(new Error('reset'))
  expect(bench.swarm.size).toBe(1)
  await second!.fetched()
  await new Promise((resolve) => setImmediate(resolve))
  expect(bench.assigned).toEqual([])
  await now[0]!.fetched()
  await until(() => bench.assigned.length > 0)
})

test.each(['HASH_MISMATCH', 'PEER_BAD_ANSWER'] as const)(
  'a peer with %s is banned permanently',
  async (code) => {
    await bench.meet(SEED)
    const [lie, other] = await bench.take(2)
    await lie!.failed(new ShoalError(code, 'it lies'))
    await other!.failed(new Error('reset'))
    bench.swarm.offer([SEED])
    expect(bench.swarm.size).toBe(0)
    expect(bench.told).toEqual(['aa joined', 'aa banned'])
    await bench.rejoin(OTHER)
    const taken = await bench.take(1)
    bench.swarm.offer([SEED])
    expect(taken.map(({ peer }) => peer)).toEqual([OTHER.peer])
    expect(bench.swarm.size).toBe(1)
  },
)

test('a wrong chunk is detected even if the peer has left', async () => {
  await bench.meet(SEED)
  const [first, second] = await bench.take(2)
  await first!.failed(new Error('reset'))
  await second!.failed(new ShoalError('HASH_MISMATCH', 'it lies'))
  await bench.rejoin(OTHER)
  bench.swarm.offer([SEED])
  expect(bench.swarm.size).toBe(1)
})

test('a failed extent is requested from another peer at once', async () => {
  await bench.meet(SEED, OTHER)
  const all = await bench.take(4)
  const failed = all.filter(({ peer }) => peer === SEED.peer)
  await bench.failAll(failed, new ShoalError('NO_PEER', 'stalled'))
  for (let i = 0; i < CHUNKS; i++)
    for (const assignment of all.splice(0).concat(bench.assigned.splice(0))) {
      if (assignment.peer !== OTHER.peer) continue
      const { first, count } = assignment.extent
      for (let chunk = first; chunk < first + count; chunk++) assignment.received(chunk)
      await assignment.fetched()
      await new Promise((resolve) => setImmediate(resolve))
    }
  expect(bench.swarm.shares).toEqual([{ peer: OTHER.peer, bytes: CHUNKS * CHUNK_SIZE }])
})

test('a refused grant leads to a new one and bans nobody', async () => {
  await bench.meet(SEED)
  await bench.failAll(await bench.take(2), new ShoalError('GRANT_INVALID', 'expired'))
  expect(bench.stale).toBe(1)
  await bench.rejoin(SEED)
})

test('a failed peer is retried without the tracker while another takes part, and its return is reported', async () => {
  let up = false
  const server = await RawServer.start((_, socket) => {
    if (up) socket.write(haveResponse(Bitmap.full(CHUNKS), { ends: true }))
    else socket.destroy()
  })
  try {
    await bench.meet(OTHER, { ...server.address, complete: true })
    const [broken] = (await bench.take(4)).filter(({ peer }) => peer === server.address.peer)
    await broken!.failed(new Error('reset'))
    expect(bench.swarm.size).toBe(1)
    await until(() => {
      bench.swarm.retry()
      return server.requests.length > 0
    })
    up = true
    await until(() => {
      bench.swarm.retry()
      return bench.told.filter((told) => told === 'f0 joined').length === 2
    })
  } finally {
    await server.close()
  }
})

test('a peer does not fetch from itself', () => {
  bench.swarm.offer([{ ...SEED, peer: 'dd'.repeat(32) }])
  expect(bench.swarm.size).toBe(0)
})
