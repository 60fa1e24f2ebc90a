import type { PartFile } from '../../../../peer/download/disk/part-file.ts'
import { ExtentFetcher, type ExtentFetcherOptions } from '../../../../peer/download/extent-fetcher.ts'
import type { ExtentOutcome } from '../../../../peer/download/queue/extent-outcome.ts'
import type { ExtentQueue } from '../../../../peer/download/queue/extent-queue.ts'
import type { FetchPool } from '../../../../peer/fetch/pool.ts'
import { ByteLimit } from '../../../../peer/wire/byte-limit.ts'
import { HASH_SIZE } from '../../../../protocol/chunking.ts'
import { ShoalError } from '../../../../protocol/errors.ts'

const target = { peer: 'f0'.repeat(32), host: '127.0.0.1', port: 1, tls: false }

/** A queue that hands out each extent to this process at once. */
const queue = {
  run: (_: unknown, fetch: () => Promise<ExtentOutcome>) => fetch(),
  settle: async () => {},
} as unknown as ExtentQueue

/** The network and the queue are fakes; the rest is real. */
function fetcher(
  fetch: (request: { hashes: Uint8Array }) => Promise<void>,
  options: Partial<ExtentFetcherOptions> = {},
) {
  return new ExtentFetcher({
    download: { id: 'd', fileId: 'f', size: 1 },
    pool: { fetch } as unknown as FetchPool,
    queue,
    limit: new ByteLimit(0),
    part: { path: 'p', place: () => ({ fd: 1, path: 'p' }) } as unknown as PartFile,
    hashes: Buffer.alloc(HASH_SIZE),
    grant: () => 'g',
    onMismatch: () => {},
    onFatal: (error: Error) => {
      throw error
    },
    ...options,
  })
}

function assignment(first: number, count: number, left = new AbortController().signal) {
  return { target, extent: { first, count }, fromSeed: false, left }
}

test('a thread gets only the hashes of its extent, even from a long list', async () => {
  const sent: Uint8Array[] = []
  const fetches = fetcher(async ({ hashes }) => void sent.push(hashes), {
    hashes: Buffer.alloc(40_960 * HASH_SIZE, 7),
  })
  expect(await fetches.fetch(assignment(8, 32), () => {})).toBe(true)
  expect(sent[0]).toHaveLength(32 * HASH_SIZE)
  // A message carries a view's whole buffer.
  expect(structuredClone(sent[0])?.buffer.byteLength).toBe(32 * HASH_SIZE)
})

test('a connection that breaks after the grant was renewed counts as expiry of the old grant', async () => {
  let grant = 'old'
  let breaks = async (): Promise<void> => {
    grant = 'fresh'
    throw new Error('the peer closed the connection')
  }
  const fetches = fetcher(() => breaks(), { grant: () => grant })
  const failed = (): Promise<boolean> => fetches.fetch(assignment(0, 1), () => {})
  await expect(failed()).rejects.toMatchObject({ code: 'GRANT_INVALID' })
  breaks = () => Promise.reject(new Error('the peer closed the connection'))
  await expect(failed()).rejects.toMatchObject({ code: 'ERROR', message: 'the peer closed the connection' })
})

test('an extent assigned to a peer that left is not fetched', async () => {
  const left = new AbortController()
  left.abort()
  const fetches = fetcher(() => Promise.reject(new Error('fetched anyway')))
  expect(await fetches.fetch(assignment(0, 1, left.signal), () => {})).toBe(false)
})

test('a storage failure ends the download and is not blamed on a peer', async () => {
  const fatal: Error[] = []
  const failures: unknown[] = []
  const part = {
    path: 'p',
    place: () => ({ fd: 1, path: 'p' }),
    fail: (at: string) => failures.push(at),
  } as unknown as PartFile
  const full = new ShoalError('NO_SPACE', 'the disk is full')
  const fetches = fetcher(() => Promise.reject(full), { part, onFatal: (error) => fatal.push(error) })
  expect(await fetches.fetch(assignment(0, 1), () => {})).toBe(false)
  expect(failures).toEqual(['write'])
  expect(fatal).toMatchObject([{ code: 'NO_SPACE' }])
})

test('after its end the fetcher fetches nothing, and late failures are not blamed on a peer', async () => {
  const aborted = Promise.withResolvers<void>()
  const fetches = fetcher(() => aborted.promise)
  const fetch = fetches.fetch(assignment(0, 1), () => {})
  await new Promise((resolve) => setImmediate(resolve))
  const end = fetches.end()
  aborted.reject(new Error('aborted'))
  await end
  expect(await fetch).toBe(false)
  expect(await fetches.fetch(assignment(0, 1), () => {})).toBe(false)
})
