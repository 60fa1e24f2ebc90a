import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PartFile } from '../../../../../peer/download/disk/part-file.ts'
import { BufferPool, ChunkSink } from '../../../../../peer/fetch/chunk-sink.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import { type Content, content } from '../../../../support/peer/content.ts'

const FILE = content(2 * CHUNK_SIZE + 777)
const OTHER = content(2 * CHUNK_SIZE + 777, 9)

let folder: string
let path: string
const opened: PartFile[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-takeover-'))
  path = join(folder, 'file.bin')
})
afterEach(async () => {
  for (const part of opened.splice(0)) await part.close()
  rmSync(folder, { recursive: true })
})

const working = (): string => `${path}.shoal-part`
const journal = (): string => `${path}.shoal-part.journal`

async function open(file: Content): Promise<PartFile> {
  const [part] = await PartFile.open(path, file.fileId, file.size)
  opened.push(part)
  return part
}

async function putAll(part: PartFile, file: Content): Promise<void> {
  for (let chunk = 0; chunk < 3; chunk++) {
    await part.write(file.data.subarray(chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE), chunk)
    part.wrote(chunk)
  }
}

/** A fetch thread, or a worker in another process, that has the whole extent and writes it now. */
function writeLate(file: Content, fd: number): void {
  const target = { fd, path: working(), size: file.size, first: 0, count: 3, hashes: file.hashes }
  const sink = new ChunkSink(target, new BufferPool(), () => {})
  for (let at = 0; at < file.size; ) {
    const space = sink.space()
    file.data.copy(space, 0, at)
    at += space.length
    sink.advance(space.length)
  }
}

test.each([
  ['the same content', FILE],
  ['another content', OTHER],
])('a run that a later one of %s took over marks and publishes nothing, and says why', async (_, later) => {
  const slept = await open(FILE)
  await putAll(slept, FILE)
  const newest = await open(later)
  const before = readFileSync(journal())
  const over = { code: 'PATH_IN_THE_WAY', message: expect.stringContaining('another download') }
  await expect(slept.publish(null)).rejects.toMatchObject(over)
  await expect(slept.flush()).rejects.toMatchObject(over)
  await expect(slept.seal()).rejects.toMatchObject(over)
  expect(readFileSync(journal()).equals(before)).toBe(true)
  expect(existsSync(path)).toBe(false)
  await putAll(newest, later)
  await newest.publish(null)
  expect(readFileSync(path).equals(later.data)).toBe(true)
  expect(readdirSync(folder)).toEqual(['file.bin'])
})

test('late writes for another content do not reach the part file', async () => {
  const slept = await open(FILE)
  const fd = openSync(working(), 'r+')
  try {
    const newest = await open(OTHER)
    await putAll(newest, OTHER)
    await slept.write(FILE.data.subarray(0, CHUNK_SIZE), 0)
    expect(() => writeLate(FILE, fd)).toThrow(expect.objectContaining({ code: 'FILE_CHANGED' }))
    await newest.publish(null)
    expect(readFileSync(path).equals(OTHER.data)).toBe(true)
  } finally {
    closeSync(fd)
  }
})

test('late writes for the same content do not touch the finished file', async () => {
  await open(FILE)
  const fd = openSync(working(), 'r+')
  try {
    const newest = await open(FILE)
    await putAll(newest, FILE)
    const { mtimeNs } = await newest.publish(null)
    expect(() => writeLate(FILE, fd)).toThrow(expect.objectContaining({ code: 'FILE_CHANGED' }))
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs)
  } finally {
    closeSync(fd)
  }
})

test('a run whose part file was removed or replaced does not publish what has its name', async () => {
  const part = await open(FILE)
  await putAll(part, FILE)
  await part.flush()
  rmSync(working())
  closeSync(openSync(working(), 'w'))
  await expect(part.publish(null)).rejects.toMatchObject({ kind: 'storage' })
  expect(existsSync(path)).toBe(false)
})
