import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { ProgressEvent } from '../../peer/control/api.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { identityOf } from '../../testkit/test-peer.ts'
import { headFor, type RawRequest, RawServer } from '../support/peer/raw-server.ts'
import { TestSwarm } from '../support/swarm.ts'

const SIZE = 64 * CHUNK_SIZE
const SLOWLY = 8 * 1024 * 1024
let swarm: TestSwarm
beforeAll(async () => {
  swarm = await TestSwarm.start()
})
afterAll(() => swarm.close())

type Misbehaviour = (request: RawRequest, socket: Socket, data: Buffer) => void

/** The misbehaviour, the expected log and progress words, the reason, and the honest peer's rate per second (0: unlimited). */
const CASES: [what: string, told: string, why: RegExp, maxUp: number, act: Misbehaviour][] = [
  ['stalls', 'left', /sent nothing for 3 s/, SLOWLY, () => {}],
  [
    'trickles a byte at a time',
    'late',
    /keeps this side waiting/,
    SLOWLY,
    (r, s) => {
      s.write(headFor(r, SIZE))
      const timer = setInterval(() => s.write('x'), 50)
      s.once('close', () => clearInterval(timer))
    },
  ],
  [
    'lacks chunks that it claims to have',
    'left',
    /does not hold/,
    0,
    (_, s) => {
      const body = JSON.stringify({ error: { code: 'CHUNK_NOT_HELD', message: 'not here' } })
      s.write(`HTTP/1.1 404 No\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    },
  ],
  [
    'sends wrong data',
    'banned',
    /does not match its hash/,
    0,
    (r, s) => void s.write(Buffer.concat([Buffer.from(headFor(r, SIZE)), randomBytes(r.end - r.start)])),
  ],
  [
    'answers short',
    'banned',
    /another range/,
    0,
    (r, s) => void s.write(headFor(r, SIZE, { 'content-length': 100 })),
  ],
  [
    'sends more than it was asked for',
    'banned',
    /nobody asked for|not HTTP/,
    0,
    (r, s, data) =>
      void s.write(
        Buffer.concat([Buffer.from(headFor(r, SIZE)), data.subarray(r.start, r.end), Buffer.alloc(100, 'x')]),
      ),
  ],
  [
    'answers with another range',
    'banned',
    /another range/,
    0,
    (r, s) => void s.write(headFor({ ...r, start: r.start + 1, end: r.end + 1 }, SIZE)),
  ],
  [
    'closes in the middle of an extent',
    'left',
    /closed the connection/,
    0,
    (r, s, data) => {
      s.write(headFor(r, SIZE))
      s.end(data.subarray(r.start, r.start + 1000))
    },
  ],
]

test.each(CASES)(
  'a download beside a peer that %s succeeds, and the log and the progress say that the peer is %s, and why',
  async (what, told, why, maxUp, act) => {
    const [origin, leecher] = [await swarm.addPeer(), await swarm.addPeer()]
    const [source, target] = [swarm.path(`source ${what}`), swarm.path(`target ${what}`)]
    const data = randomBytes(SIZE)
    writeFileSync(source, data)
    const fileId = await swarm.share(origin, what, source)
    origin.setMaxUp(maxUp)
    const keys = identityOf(what)
    const { peer } = keys
    const bad = await RawServer.start((request, socket) => act(request, socket, data), keys)
    const events: ProgressEvent[] = []
    try {
      await swarm.announce(keys, bad.address.port, fileId)
      const file = await swarm.download(leecher, what, target, {}, (event) => void events.push(event))
      expect(file.peers.some((share) => share.peer === origin.peer)).toBe(true)
    } finally {
      await bad.close()
    }
    const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
    expect(sha256(readFileSync(target))).toBe(sha256(data))
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'peer', peer, state: told, reason: expect.stringMatching(why) }),
    )
    const logged = swarm.warnings.filter((line) => line.includes(`:${what}: peer ${peer}`) && why.test(line))
    expect(logged.length).toBeGreaterThan(0)
  },
)
