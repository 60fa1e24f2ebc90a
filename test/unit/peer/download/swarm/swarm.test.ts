import { jest } from '@jest/globals'
import { Picker } from '../../../../../peer/download/plan/picker.ts'
import { type Assignment, Swarm } from '../../../../../peer/download/swarm/swarm.ts'
import { Bitmap } from '../../../../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import { ShoalError } from '../../../../../protocol/errors.ts'
import { ASKED_HEADER, HAVE_MEDIA_TYPE, PENDING } from '../../../../../protocol/peer-wire.ts'
import { until } from '../../../../../testkit/until.ts'
import { RawServer } from '../../../../support/peer/raw-server.ts'

const CHUNKS = 200
const SEED = { peer: 'aa'.repeat(32), host: '127.0.0.1', port: 1, tls: false, complete: true }
const OTHER = { ...SEED, peer: 'bb'.repeat(32) }

/** An extent that the swarm requested, until the test ends its fetch. */
interface Asked extends Assignment {
  peer: string
  received(chunk: number): void
  /** Delivers every chunk. The swarm knows once this has resolved. */
  fetched(): Promise<void>
  failed(error: Error): Promise<void>
}

/** A swarm whose fetches the test performs. */
class Bench {
  readonly assigned: Asked[] = []
  readonly told: string[] = []
  stale = 0
  grant = 'g'
  readonly swarm = new Swarm({
    fileId: 'cc'.repeat(32),
    size: CHUNKS * CHUNK_SIZE,
    chunks: CHUNKS,
    self: 'dd'.repeat(32),
    credentials: { key: '', cert: '' },
    ownPort: 1,
    picker: new Picker({ have: new Bitmap(CHUNKS), random: Math.random, sequential: false }),
    grant: () => this.grant,
    onStale: () => void this.stale++,
    fetch: (assignment, onChunk) => this.#ask(assignment, onChunk),
    onChunk: () => {},
    onPeer: (peer, state) => void this.told.push(`${peer.slice(0, 2)} ${state}`),
  })

  #ask(assignment: Assignment, received: (chunk: number) => void): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const told = (): Promise<void> => new Promise((done) => process.nextTick(done))
    this.assigned.push({
      ...assignment,
      peer: assignment.target.peer,
      received,
      fetched: () => {
        resolve(true)
        return told()
      },
      failed: (error) => {
        reject(error)
        return told()
      },
    })
    return promise
  }

  /** Offers new peers and answers their first extents. From then on two extents are in flight with each. */
  async meet(...peers: (typeof SEED)[]): Promise<void> {
    await this.rejoin(...peers)
    for (const first of await this.take(peers.length)) {
      // Pretend that it took a second: a fast peer would be asked for more at once.
      const now = performance.now() + 1000
      jest.spyOn(performance, 'now').mockReturnValueOnce(now)
      await first.fetched()
      jest.restoreAllMocks()
    }
    await until(() => this.assigned.length === 2 * peers.length)
  }

  /** Waits until `count` extents are in flight, and takes them. */
  async take(count: number): Promise<Asked[]> {
    await until(() => this.assigned.length === count)
    return this.assigned.splice(0)
  }

  async failAll(asked: Asked[], error: Error): Promise<void> {
    for (const one of asked) await one.failed(error)
  }

  /** Offers the peers again until they join, like a tracker's answers. */
  rejoin(...peers: (typeof SEED)[]): Promise<void> {
    return until(() => {
      this.swarm.offer(peers)
      return this.swarm.size === peers.length
    })
  }
}

let bench: Bench
beforeEach(() => {
  bench = new Bench()
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

test('have-streams are reopened with a fresh grant, and chunks that arrived meanwhile are learned', async () => {
  const server = await RawServer.start((_, socket) => {
    const have = new Bitmap(CHUNKS)
    for (let chunk = 0; chunk < server.requests.length; chunk++) have.add(chunk)
    const body = Buffer.alloc(4 + have.bytes.length)
    body.writeUInt32BE(CHUNKS)
    body.set(have.bytes, 4)
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${HAVE_MEDIA_TYPE}\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(head), body]))
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

test('a peer that denies a chunk that it announced is asked for its holdings, and then backs off', async () => {
  const lists: number[] = []
  const bitmap = Buffer.alloc(4 + CHUNKS / 8, 0xff)
  bitmap.writeUInt32BE(CHUNKS)
  const server = await RawServer.start((_, socket) => {
    lists.push(performance.now())
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${HAVE_MEDIA_TYPE}\r\ncontent-length: ${bitmap.length}\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(head), bitmap]))
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

test('a failed peer is retried without the tracker while another takes part, and its return is reported', async () => {
  let up = false
  const bitmap = Buffer.alloc(4 + CHUNKS / 8, 0xff)
  bitmap.writeUInt32BE(CHUNKS)
  const server = await RawServer.start((_, socket) => {
    if (!up) return void socket.destroy()
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${HAVE_MEDIA_TYPE}\r\ncontent-length: ${bitmap.length}\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(head), bitmap]))
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

/** A swarm of a dozen peers with one chunk each, and a seed that answers followers with `seedTells`. */
async function withCrowd(seedTells: Buffer, act: (seed: string, server: RawServer) => Promise<void>) {
  const followsSeed = ({ head }: { head: string }): boolean => head.includes(`\r\n${ASKED_HEADER}: 1\r\n`)
  const server = await RawServer.start((request, socket) => {
    if (followsSeed(request)) return void socket.end(seedTells)
    const have = new Bitmap(CHUNKS)
    have.add(server.requests.filter((other) => !followsSeed(other)).length)
    socket.write(haveStream(have))
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

function haveStream(have: Bitmap, records: number[] = []): Buffer {
  const words = Buffer.alloc(4 * (1 + records.length))
  for (const [i, word] of [CHUNKS, ...records].entries()) words.writeUInt32BE(word >>> 0, 4 * i)
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${HAVE_MEDIA_TYPE}\r\nconnection: close\r\n\r\n`
  return Buffer.concat([Buffer.from(head), words.subarray(0, 4), have.bytes, words.subarray(4)])
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
  const told = haveStream(
    Bitmap.full(CHUNKS),
    asked.map((chunk) => chunk | PENDING),
  )
  await withCrowd(told, async (seed) => expect(free).toContain(await askedNext(seed)))
})

test.each([
  ['does not know of that', haveStream(Bitmap.full(CHUNKS))],
  ['refuses to tell', Buffer.from('HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')],
  ['closes the connection', Buffer.alloc(0)],
])('a seed that %s when followed in a large swarm is still asked for chunks', async (_, answer) => {
  await withCrowd(answer, async (seed) => {
    expect([...Array(CHUNKS).keys()]).toContain(await askedNext(seed))
    expect(bench.told).not.toContain('f0 left')
  })
})

test('a peer does not fetch from itself', () => {
  bench.swarm.offer([{ ...SEED, peer: 'dd'.repeat(32) }])
  expect(bench.swarm.size).toBe(0)
})
