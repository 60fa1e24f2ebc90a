import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FetchPool } from '../../../../peer/fetch/pool.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { content } from '../../../support/peer/content.ts'
import { seconds } from '../../../support/peer/grants.ts'
import { ServeFixture } from '../../../support/peer/serve-fixture.ts'

const FILE = content(20 * CHUNK_SIZE + 3)
const fixture = new ServeFixture()
let pool: FetchPool
let path: string
let fd: number
beforeAll(async () => {
  await fixture.open()
  pool = new FetchPool({ credentials: fixture.client, ownPort: 4711 })
  // Shared once: a peer whose file changes during an answer closes the connection that the next test uses.
  path = await fixture.share(FILE, 'file')
})
afterAll(async () => {
  await pool.close()
  await fixture.close()
})
beforeEach(() => {
  fd = openSync(join(fixture.folder, 'part'), 'w+')
})
afterEach(() => closeSync(fd))

const written = (): Buffer => readFileSync(join(fixture.folder, 'part'))

async function fetch(
  first: number,
  count: number,
  changes: { peer?: string; grant?: string } = {},
): Promise<number[]> {
  const chunks: number[] = []
  const { self, server } = fixture
  const target = { peer: changes.peer ?? self.peer, host: '127.0.0.1', port: server.port, tls: true }
  const grant = changes.grant ?? (await fixture.grantFor(FILE))
  const hashes = FILE.hashes.subarray(first * 32, (first + count) * 32)
  const request = {
    target,
    fileId: FILE.fileId,
    grant,
    fd,
    path: join(fixture.folder, 'part'),
    size: FILE.size,
    first,
    count,
    hashes,
  }
  await pool.fetch(request, (chunk) => chunks.push(chunk), new AbortController().signal)
  return chunks
}

test('many extents of a real peer arrive at once over TLS and form the file', async () => {
  const extents = [
    [0, 1],
    [1, 7],
    [8, 1],
    [9, 11],
    [20, 1],
  ] as const
  const chunks = await Promise.all(extents.map(([first, count]) => fetch(first, count)))
  expect(chunks.flat()).toEqual([...Array(21).keys()])
  expect(written().equals(FILE.data)).toBe(true)
  expect(fixture.seen[0]).toMatchObject({ peer: fixture.client.peer, port: 4711 })
})

test('a peer with another certificate than the announced one gets neither a request nor a grant', async () => {
  fixture.seen.length = 0
  await expect(fetch(0, 1, { peer: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'PEER_BAD_ANSWER' })
  expect(fixture.seen).toEqual([])
  expect(written()).toHaveLength(0)
})

test('an expired grant is distinguished from a lying peer', async () => {
  const past = seconds() - 100
  const grant = await fixture.keys.sign(FILE.fileId, fixture.client.peer, { iat: past - 100, exp: past })
  await expect(fetch(0, 2, { grant })).rejects.toMatchObject({ code: 'GRANT_INVALID' })
  // The connection continues with a valid grant.
  await expect(fetch(0, 2)).resolves.toEqual([0, 1])
})

test('a peer whose file is gone does not count as lying', async () => {
  rmSync(path)
  await expect(fetch(0, 1)).rejects.toMatchObject({ code: 'NO_PEER' })
})

test('a fetch cancelled before its start sends no request', async () => {
  const target = { peer: fixture.self.peer, host: '127.0.0.1', port: fixture.server.port, tls: true }
  const request = {
    target,
    fileId: FILE.fileId,
    grant: 'g',
    fd,
    path: join(fixture.folder, 'part'),
    size: FILE.size,
    first: 0,
    count: 1,
    hashes: FILE.hashes,
  }
  await expect(pool.fetch(request, () => {}, AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
})
