import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FilePart, FileState } from '../../../../peer/tree/contents.ts'
import { TreePool } from '../../../../peer/tree/pool.ts'
import { type Earlier, makeSnapshot, type Snapshot } from '../../../../peer/tree/snapshot.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'

/** Notes what is read. */
class ReadingPool extends TreePool {
  files: string[] = []
  chunks = 0

  override hashFiles(root: string, files: readonly FileState[], signal: AbortSignal) {
    this.files.push(...files.map(({ path }) => path))
    return super.hashFiles(root, files, signal)
  }

  override hashChunks(root: string, chunks: readonly (readonly FilePart[])[], signal: AbortSignal) {
    this.chunks += chunks.length
    return super.hashChunks(root, chunks, signal)
  }
}

let folder: string
let pool: ReadingPool
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-snapshot-'))
  pool = new ReadingPool()
})
afterEach(async () => {
  await pool.close()
  rmSync(folder, { recursive: true, force: true })
})

async function snapshot(earlier: Earlier | null): Promise<Snapshot> {
  pool.files = []
  pool.chunks = 0
  const options = { exclude: [], include: [], keepsLinks: false, allowsCollisions: false }
  const progress = { earlier, begin: () => {}, progress: () => {} }
  return makeSnapshot(folder, options, pool, progress, new AbortController().signal)
}

test('the next snapshot reads only files that changed, and the chunks that they are packed into', async () => {
  mkdirSync(join(folder, 'd'))
  writeFileSync(join(folder, 'd', 'large'), Buffer.alloc(2 * CHUNK_SIZE + 10, 1))
  for (let i = 0; i < 200; i++) writeFileSync(join(folder, 'd', `f${i}`), Buffer.alloc(20_000, i + 2))
  const first = await snapshot(null)
  expect(pool.files).toHaveLength(201)
  expect(pool.chunks).toBe(7)

  const same = await snapshot(first)
  expect(same.fileId).toBe(first.fileId)
  expect(pool.files).toEqual([])
  expect(pool.chunks).toBe(0)

  writeFileSync(join(folder, 'd', 'f7'), Buffer.alloc(20_000, 1))
  const second = await snapshot(first)
  expect(pool.files).toEqual(['d/f7'])
  expect(pool.chunks).toBeGreaterThan(0)
  expect(pool.chunks).toBeLessThanOrEqual(2)
  expect(second.fileId).not.toBe(first.fileId)
  expect(second.fileId).toBe((await snapshot(null)).fileId)

  writeFileSync(join(folder, 'd', 'f100'), Buffer.alloc(19_999, 1))
  expect((await snapshot(second)).fileId).toBe((await snapshot(null)).fileId)
})
