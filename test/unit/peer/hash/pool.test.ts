import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HashPool } from '../../../../peer/hash/pool.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { content } from '../../../support/peer/content.ts'

const LARGE = content(150 * CHUNK_SIZE + 5)

let folder: string
let path: string
const pool = new HashPool()
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-hash-'))
  path = join(folder, 'large')
})
beforeEach(() => writeFileSync(path, LARGE.data))
afterAll(async () => {
  await pool.close()
  rmSync(folder, { recursive: true })
})

test.each([
  0,
  1,
  777,
  CHUNK_SIZE - 1,
  CHUNK_SIZE,
  CHUNK_SIZE + 1,
  4 * CHUNK_SIZE,
  8 * CHUNK_SIZE,
  8 * CHUNK_SIZE + 1,
  64 * CHUNK_SIZE + 1,
])('the hashes of a file of %i bytes are the SHA-256 of its chunks', async (size) => {
  const small = content(size, 3)
  writeFileSync(join(folder, 'small'), small.data)
  expect(small.hashes.equals(await pool.hash(join(folder, 'small'), size))).toBe(true)
})

test('a long file is hashed by several threads, in order, with progress', async () => {
  let done = 0
  const hashes = await pool.hash(path, LARGE.size, undefined, (bytes) => {
    done += bytes
  })
  expect(LARGE.hashes.equals(hashes)).toBe(true)
  expect(done).toBe(LARGE.size)
})

test.each([
  [0, 3],
  [7, 1],
  [5, 100],
  [149, 2],
  [20, 0],
])('the range of chunks from %i, %i long, is hashed alone', async (first, count) => {
  const hashes = await pool.hash(path, LARGE.size, { first, count })
  expect(LARGE.hashes.subarray(first * 32, (first + count) * 32).equals(hashes)).toBe(true)
})

test('a file that became shorter is FILE_CHANGED, and the pool keeps working', async () => {
  truncateSync(path, 10 * CHUNK_SIZE)
  await expect(pool.hash(path, LARGE.size)).rejects.toMatchObject({ code: 'FILE_CHANGED' })
  await expect(pool.hash(path, 11 * CHUNK_SIZE)).rejects.toMatchObject({ code: 'FILE_CHANGED' })
  await expect(pool.hash(path, CHUNK_SIZE)).resolves.toHaveLength(32)
})

test('a failed job does not fail another job on the same file', async () => {
  truncateSync(path, 140 * CHUNK_SIZE)
  const size = 140 * CHUNK_SIZE
  const [failed, ...fine] = await Promise.allSettled([
    pool.hash(path, LARGE.size),
    pool.hash(path, size),
    pool.hash(path, size),
  ])
  expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'FILE_CHANGED' } })
  for (const each of fine)
    expect(each.status === 'fulfilled' && LARGE.hashes.subarray(0, 140 * 32).equals(each.value)).toBe(true)
})

test('a missing file is a storage error, whether long or short', async () => {
  for (const size of [1, LARGE.size])
    await expect(pool.hash(join(folder, 'absent'), size)).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' })
})

test('hashing stops when its signal aborts, before or during the work', async () => {
  const reason = new Error('stop')
  await expect(pool.hash(path, LARGE.size, undefined, undefined, AbortSignal.abort(reason))).rejects.toBe(
    reason,
  )
  const abort = new AbortController()
  const hashing = pool.hash(path, LARGE.size, undefined, () => abort.abort(reason), abort.signal)
  await expect(hashing).rejects.toBe(reason)
  await expect(pool.hash(path, LARGE.size)).resolves.toHaveLength(151 * 32)
})
