import type { PartFile } from '../../../../peer/download/disk/part-file.ts'
import { Fetches } from '../../../../peer/download/fetches.ts'
import type { ExtentQueue } from '../../../../peer/download/queue/extent-queue.ts'
import type { Swarm } from '../../../../peer/download/swarm/swarm.ts'
import type { FetchPool } from '../../../../peer/fetch/pool.ts'
import { HASH_SIZE } from '../../../../protocol/chunking.ts'

test('what goes to a thread with an extent are its own hashes alone, however long the list they are from', async () => {
  const list = Buffer.alloc(40_960 * HASH_SIZE, 7)
  const sent: Uint8Array[] = []
  const target = { peer: 'f0'.repeat(32), host: '127.0.0.1', port: 1, tls: false }
  const pool = { fetch: async ({ hashes }: { hashes: Uint8Array }) => void sent.push(hashes) }
  const swarm = { address: () => target, fetched: () => {} } as unknown as Swarm
  const fetches = new Fetches(
    {
      download: { id: 'd', fileId: 'f', size: 1 },
      pool: pool as unknown as FetchPool,
      queue: {} as ExtentQueue,
      part: { fd: 1, path: 'p' } as PartFile,
      hashes: list,
      grant: () => 'g',
      onReceived: () => {},
      onFatal: (error: Error) => {
        throw error
      },
    } as unknown as ConstructorParameters<typeof Fetches>[0],
    () => swarm,
  )
  await fetches.fetch({ peer: target.peer, extent: { first: 8, count: 32 }, startedAt: 0 })
  expect(sent[0]).toHaveLength(32 * HASH_SIZE)
  // A message carries the whole buffer that a view is on.
  expect(structuredClone(sent[0])?.buffer.byteLength).toBe(32 * HASH_SIZE)
})

test('a connection that breaks once the grant was renewed is taken for the end of the old grant', async () => {
  const failures: Error[] = []
  let grant = 'old'
  const pool = {
    fetch: async () => {
      grant = 'fresh'
      throw new Error('the peer closed the connection')
    },
  }
  const target = { peer: 'f0'.repeat(32), host: '127.0.0.1', port: 1, tls: false }
  const swarm = { address: () => target, failed: (_: unknown, error: Error) => void failures.push(error) }
  const fetches = new Fetches(
    {
      download: { id: 'd', fileId: 'f', size: 1 },
      pool: pool as unknown as FetchPool,
      queue: {} as ExtentQueue,
      part: { fd: 1, path: 'p' } as PartFile,
      hashes: Buffer.alloc(HASH_SIZE),
      grant: () => grant,
    } as unknown as ConstructorParameters<typeof Fetches>[0],
    () => swarm as unknown as Swarm,
  )
  const assignment = { peer: target.peer, extent: { first: 0, count: 1 }, startedAt: 0 }
  await fetches.fetch(assignment)
  expect(failures).toMatchObject([{ code: 'GRANT_INVALID' }])
  pool.fetch = () => Promise.reject(new Error('the peer closed the connection'))
  await fetches.fetch(assignment)
  expect(failures[1]).not.toHaveProperty('code')
})
