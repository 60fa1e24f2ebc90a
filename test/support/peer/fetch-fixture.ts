import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FetchPool } from '../../../peer/fetch/pool.ts'
import type { FetchRequest } from '../../../peer/fetch/thread.ts'
import { CHUNK_SIZE, type Extent } from '../../../protocol/chunking.ts'
import type { PeerAddress } from '../../../protocol/records.ts'
import { content } from './content.ts'
import { headFor, type RawRequest, RawServer } from './raw-server.ts'

/** Four chunks; the last one is short. */
export const FILE = content(3 * CHUNK_SIZE + 777)
export const SIZE = FILE.size
export const bodyOf = ({ start, end }: RawRequest): Buffer => FILE.data.subarray(start, end)

export type Answer = (request: RawRequest, socket: Socket) => void

/** The correct answer. */
export const honest: Answer = (request, socket) => {
  socket.write(headFor(request, SIZE))
  socket.write(bodyOf(request))
}

export interface FetchOutcome {
  chunks: number[]
  error: (Error & { code?: string }) | null
  /** The bytes that were written. */
  file: Buffer
}

/** A real fetch pool and part file, with peers that answer as a test decides. */
export class FetchFixture {
  readonly pool = new FetchPool({ credentials: { key: '', cert: '' }, ownPort: 4711 })
  readonly servers: RawServer[] = []
  folder = ''
  fd = -1

  open(): void {
    this.folder = mkdtempSync(join(tmpdir(), 'shoal-fetch-'))
    this.fd = openSync(this.path, 'w+')
  }

  get path(): string {
    return join(this.folder, 'part')
  }

  async close(): Promise<void> {
    for (const server of this.servers.splice(0)) await server.close()
    closeSync(this.fd)
    rmSync(this.folder, { recursive: true })
  }

  async serve(answer: Answer): Promise<PeerAddress> {
    const server = await RawServer.start(answer)
    this.servers.push(server)
    return server.address
  }

  request(target: PeerAddress, extent: Extent = { first: 0, count: 4 }): Omit<FetchRequest, 'id'> {
    const hashes = FILE.hashes.subarray(extent.first * 32, (extent.first + extent.count) * 32)
    return {
      target,
      fileId: FILE.fileId,
      grant: 'g',
      fd: this.fd,
      path: this.path,
      size: SIZE,
      ...extent,
      hashes,
    }
  }

  async fetch(
    target: PeerAddress,
    extent?: Extent,
    signal = new AbortController().signal,
  ): Promise<FetchOutcome> {
    const chunks: number[] = []
    const error = await this.pool
      .fetch(this.request(target, extent), (chunk) => chunks.push(chunk), signal)
      .then(() => null)
      .catch((error: Error) => error)
    return { chunks, error, file: readFileSync(this.path) }
  }
}

/** Checks that only right bytes were written and only complete chunks reported, in order from the first. */
export function expectOnlyTruth({ chunks, file }: FetchOutcome): void {
  expect(file.equals(FILE.data.subarray(0, file.length))).toBe(true)
  expect(file.length).toBe(Math.min(SIZE, chunks.length * CHUNK_SIZE))
  expect(chunks).toEqual(chunks.map((_, i) => i))
}
