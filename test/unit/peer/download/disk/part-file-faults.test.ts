import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Leftover, PartFile } from '../../../../../peer/download/disk/part-file.ts'
import { recheck } from '../../../../../peer/download/disk/recheck.ts'
import { HashPool } from '../../../../../peer/hash/pool.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import { type DiskFault, ONE_THREAD, onFailingDisk } from '../../../../support/faults/failing-disk.ts'
import { content } from '../../../../support/peer/content.ts'

const FILE = content(3 * CHUNK_SIZE + 777)
const RUN = join(import.meta.dirname, '../../../../support/faults/part-file-run.ts')
const onLinux = process.platform === 'linux' ? test : test.skip

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-part-'))
  path = join(folder, 'file.bin')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The outcome of each step of part-file-run.ts. */
function run(at: string, fault: DiskFault): Record<string, string | null> {
  const [program = '', ...words] = onFailingDisk(at, fault)
  const env = { ...process.env, ...ONE_THREAD }
  const output = execFileSync(program, [...words, process.execPath, RUN, path], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(output.toString())
}

async function reopen(): Promise<{ leftover: Leftover; found: number[]; written: number[] }> {
  const [part, leftover] = await PartFile.open(path, FILE.fileId, FILE.size)
  const found: number[] = []
  const written: number[] = []
  const write = part.write.bind(part)
  part.write = (data, chunk) => {
    written.push(chunk)
    return write(data, chunk)
  }
  const pool = new HashPool()
  const keep = (chunk: number): void => {
    found.push(chunk)
    part.wrote(chunk)
  }
  await recheck(part, leftover, FILE.hashes, pool, keep, new AbortController().signal)
  await part.publish(null)
  await Promise.all([part.close(), pool.close()])
  return { leftover, found, written }
}

const EIO = (name: string): RegExp => new RegExp(`^STORAGE_FAILED: ${name}: i/o error`)

onLinux('after one failed sync, every later step fails, even if later syncs succeed', async () => {
  const part = `${path}.shoal-part`
  const outcome = run(part, { call: 'fdatasync', from: 2, to: 2 })
  expect(outcome).toEqual({
    'first flush': null,
    'second flush': expect.stringMatching(EIO(part)),
    publish: expect.stringMatching(EIO(part)),
    seal: expect.stringMatching(EIO(part)),
  })
  expect(readdirSync(folder).sort()).toEqual(['file.bin.shoal-part', 'file.bin.shoal-part.journal'])
  // Its marks are distrusted, and chunks that read as valid are written again.
  const { leftover, found, written } = await reopen()
  expect(leftover).toMatchObject({ sealed: false, doubted: true, marked: { count: 0 } })
  expect(found).toEqual([0, 1, 2, 3])
  expect(written).toEqual(found)
  expect(readFileSync(path).equals(FILE.data)).toBe(true)
})

onLinux('a file whose last sync fails does not get its final name', async () => {
  const part = `${path}.shoal-part`
  const outcome = run(part, { call: 'fsync', from: 1, to: 1 })
  expect(outcome).toMatchObject({ 'second flush': null, publish: expect.stringMatching(EIO(part)) })
  expect(existsSync(path)).toBe(false)
  expect((await reopen()).leftover).toMatchObject({ sealed: false, doubted: true })
})

onLinux('a file whose folder cannot be synced gets its working name back', async () => {
  const outcome = run(folder, { call: 'fsync', from: 1, to: 1 })
  expect(outcome.publish).toMatch(/^STORAGE_FAILED: .*i\/o error/)
  expect(existsSync(path)).toBe(false)
  expect((await reopen()).leftover).toMatchObject({ sealed: false, doubted: true })
  expect(readFileSync(path).equals(FILE.data)).toBe(true)
})

onLinux(
  'after a failed write every later step fails, and the next run hashes the marked chunks',
  async () => {
    const part = `${path}.shoal-part`
    const outcome = run(part, { call: 'pwrite64', from: 3, to: 3, error: 'ENOSPC' })
    expect(outcome).toMatchObject({
      'first flush': null,
      'second flush': expect.stringMatching(/^NO_SPACE: /),
      publish: expect.stringMatching(/^NO_SPACE: /),
    })
    const [again, leftover] = await PartFile.open(path, FILE.fileId, FILE.size)
    expect(leftover).toMatchObject({
      sealed: false,
      doubted: false,
      unmarkedData: true,
      marked: { count: 1 },
    })
    await again.seal()
  },
)

onLinux('after a failed journal write every later step fails', async () => {
  const outcome = run(`${path}.shoal-part.journal`, { call: 'write', from: 2, to: 2, error: 'ENOSPC' })
  expect(outcome.publish).toMatch(/^NO_SPACE: /)
  expect(existsSync(path)).toBe(false)
  // The header is the first write.
  expect((await reopen()).leftover).toMatchObject({ sealed: false, marked: { count: 0 } })
})
