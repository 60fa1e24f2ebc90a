import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Leftover, PartFile } from '../../../../../peer/download/disk/part-file.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import { content } from '../../../../support/peer/content.ts'

const FILE = content(3 * CHUNK_SIZE + 777)
const LENGTHS = [CHUNK_SIZE, CHUNK_SIZE, CHUNK_SIZE, 777]

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-part-'))
  path = join(folder, 'file.bin')
})
/** Part files that a test left open, as a crash would. */
const opened: PartFile[] = []
afterEach(async () => {
  for (const part of opened.splice(0)) await part.seal().catch(() => {})
  rmSync(folder, { recursive: true })
})

async function open(file = FILE): Promise<[PartFile, Leftover]> {
  const [part, leftover] = await PartFile.open(path, file.fileId, file.size)
  opened.push(part)
  return [part, leftover]
}

async function put(part: PartFile, ...chunks: number[]): Promise<void> {
  for (const chunk of chunks) {
    const start = chunk * CHUNK_SIZE
    await part.write(FILE.data.subarray(start, start + LENGTHS[chunk]!), chunk)
    part.wrote(chunk)
  }
}

const marksOf = ({ marked }: Leftover): number[] => [0, 1, 2, 3].filter((chunk) => marked.has(chunk))
/** Marks in the journal on disk right now. */
const journalled = (): number => (statSync(`${path}.shoal-part.journal`).size - 48) / 4

test('a file gets its final name only when it is complete, and nothing else is left', async () => {
  const [part, leftover] = await open()
  expect(leftover).toMatchObject({ sealed: false, unmarkedData: false })
  expect(marksOf(leftover)).toEqual([])
  await put(part, 2, 0, 3, 1)
  expect(existsSync(path)).toBe(false)
  const state = await part.publish(null)
  expect(readdirSync(folder)).toEqual(['file.bin'])
  expect(readFileSync(path).equals(FILE.data)).toBe(true)
  const { mtimeNs, ino } = statSync(path, { bigint: true })
  expect(state).toEqual({ mtimeNs, ino })
})

test('a reader opened before the part file is closed can read to the end', async () => {
  const [part] = await open()
  await put(part, 0, 1, 2, 3)
  await part.publish(null)
  const reader = part.openReader()
  await part.close()
  const into = Buffer.alloc(777)
  await reader.read(into, 3 * CHUNK_SIZE)
  expect(into.equals(FILE.data.subarray(3 * CHUNK_SIZE))).toBe(true)
  await reader.close()
  await expect(part.openReader().read(into, 0)).rejects.toThrow()
})

test('a part file that has another name too loses only its own name: the other file stays as it is', async () => {
  const [part] = await open()
  await put(part, 0, 1, 2, 3)
  await part.seal()
  // A crash between the link and the unlink that give the final name.
  linkSync(`${path}.shoal-part`, path)
  const other = content(CHUNK_SIZE + 1)
  const [, leftover] = await open(other)
  expect(marksOf(leftover)).toEqual([])
  expect(readFileSync(path).equals(FILE.data)).toBe(true)
  expect(statSync(path).nlink).toBe(1)
})

test('an incomplete file is not published, and its data is kept', async () => {
  const [part] = await open()
  await put(part, 0, 1, 2)
  await expect(part.publish(null)).rejects.toThrow('not complete')
  expect(existsSync(path)).toBe(false)
  const [again, leftover] = await open()
  expect(marksOf(leftover)).toEqual([0, 1, 2])
  await again.seal()
})

test('a chunk is marked only by the flush that syncs it', async () => {
  const [part] = await open()
  await put(part, 0, 1)
  expect(journalled()).toBe(0)
  await Promise.all([part.flush(), part.flush()])
  expect(journalled()).toBe(2)
  await put(part, 1, 2)
  await part.flush()
  expect(journalled()).toBe(3)
  await part.seal()
})

test('after a clean stop the marks are trusted', async () => {
  const [part] = await open()
  await put(part, 1, 3)
  await part.seal()
  const [again, leftover] = await open()
  expect(leftover.sealed).toBe(true)
  expect(marksOf(leftover)).toEqual([1, 3])
  const buffer = Buffer.alloc(777)
  await again.read(buffer, 3 * CHUNK_SIZE)
  expect(buffer.equals(FILE.data.subarray(3 * CHUNK_SIZE))).toBe(true)
  await again.seal()
})

test('the marks of a part file without a seal, or changed after it, are not trusted', async () => {
  const [part] = await open()
  await put(part, 1)
  await part.seal()
  utimesSync(`${path}.shoal-part`, 1, 1)
  const [touched, leftover] = await open()
  expect(leftover).toMatchObject({ sealed: false })
  expect(marksOf(leftover)).toEqual([1])
  await put(touched, 1, 2)
  await touched.flush()
  // No seal, as after a crash.
  const [, crashed] = await open()
  expect(crashed.sealed).toBe(false)
  expect(marksOf(crashed)).toEqual([1, 2])
})

test('written but unmarked chunks are noticed', async () => {
  const [part] = await open()
  await put(part, 0, 1)
  await part.flush()
  const [second, marked] = await open()
  expect(marked.unmarkedData).toBe(false)
  // The journal was rewritten by that open, and nothing has been marked since.
  await second.flush()
  const [, leftover] = await open()
  expect(marksOf(leftover)).toEqual([])
  expect(leftover.unmarkedData).toBe(true)
})

test('a part file of another content is not reused', async () => {
  const other = content(3 * CHUNK_SIZE + 777, 9)
  const [part] = await open()
  await put(part, 0, 1, 2, 3)
  await part.seal()
  const [anew, leftover] = await open(other)
  expect(leftover).toMatchObject({ sealed: false, unmarkedData: false })
  expect(marksOf(leftover)).toEqual([])
  expect(readFileSync(`${path}.shoal-part`).equals(Buffer.alloc(other.size))).toBe(true)
  await anew.seal()
})

test('the marks of a missing, shorter or longer part file are not trusted', async () => {
  const spoil = [
    () => rmSync(`${path}.shoal-part`),
    () => truncateSync(`${path}.shoal-part`, CHUNK_SIZE),
    () => truncateSync(`${path}.shoal-part`, FILE.size + 1),
  ]
  for (const how of spoil) {
    const [part] = await open()
    await put(part, 0, 1, 2)
    await part.seal()
    how()
    const [again, leftover] = await open()
    expect(leftover.sealed).toBe(false)
    expect(statSync(`${path}.shoal-part`).size).toBe(FILE.size)
    await again.seal()
  }
})

test('an empty file is published at once', async () => {
  const empty = content(0)
  const [part] = await open(empty)
  await part.publish(null)
  expect(readFileSync(path)).toHaveLength(0)
  expect(readdirSync(folder)).toEqual(['file.bin'])
})

test('a file larger than the disk is refused before anything is written', async () => {
  await expect(PartFile.open(path, FILE.fileId, 2 ** 50)).rejects.toMatchObject({ code: 'NO_SPACE' })
  expect(existsSync(path)).toBe(false)
})

test.each(['.shoal-part', '.shoal-part.journal'])(
  'a link under the name %s is not followed',
  async (suffix) => {
    const outside = join(folder, 'outside')
    writeFileSync(outside, 'precious')
    symlinkSync(outside, path + suffix)
    await expect(open()).rejects.toMatchObject({ kind: 'storage' })
    expect(readFileSync(outside, 'utf8')).toBe('precious')
  },
)

test('a pipe or a folder under the working name is a storage error and does not block', async () => {
  execFileSync('mkfifo', [`${path}.shoal-part`])
  await expect(open()).rejects.toMatchObject({ kind: 'storage' })
})

test('a folder that cannot be made is a storage error', async () => {
  writeFileSync(join(folder, 'no'), 'a file')
  await expect(PartFile.open(join(folder, 'no', 'file'), FILE.fileId, 10)).rejects.toMatchObject({
    code: 'PATH_IN_THE_WAY',
  })
})
