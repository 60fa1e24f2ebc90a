import { jest } from '@jest/globals'
import { Picker } from '../../../peer/download/plan/picker.ts'
import { type Assignment, Swarm } from '../../../peer/download/swarm/swarm.ts'
import { Bitmap } from '../../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../../protocol/chunking.ts'
import { HAVE_MEDIA_TYPE } from '../../../protocol/peer-wire.ts'
import { until } from '../../../testkit/until.ts'

export const CHUNKS = 200
export const SEED = { peer: 'aa'.repeat(32), host: '127.0.0.1', port: 1, tls: false, complete: true }
export const OTHER = { ...SEED, peer: 'bb'.repeat(32) }

/** An extent that the swarm requested, until the test ends its fetch. */
export interface Asked extends Assignment {
  peer: string
  received(chunk: number): void
  /** Delivers every chunk. The swarm knows once this has resolved. */
  fetched(): Promise<void>
  failed(error: Error): Promise<void>
}

/** A swarm whose fetches the test performs. */
export class SwarmBench {
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

/** The response to `have`: the bitmap and records. It ends there if `ends`, else the stream goes on. */
export function haveResponse(have: Bitmap, { records = [] as number[], ends = false } = {}): Buffer {
  const words = Buffer.alloc(4 * (1 + records.length))
  for (const [i, word] of [have.size, ...records].entries()) words.writeUInt32BE(word >>> 0, 4 * i)
  const body = Buffer.concat([words.subarray(0, 4), have.bytes, words.subarray(4)])
  const length = ends ? `content-length: ${body.length}\r\n` : ''
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${HAVE_MEDIA_TYPE}\r\n${length}\r\n`),
    body,
  ])
}
