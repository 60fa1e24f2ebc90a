import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Leftover, PartFile } from '../../../../../peer/download/disk/part-file.ts'
import { PartialFile } from '../../../../../peer/download/disk/partial-file.ts'
import { copyLocalChunks, recheck } from '../../../../../peer/download/disk/recheck.ts'
import { HashPool } from '../../../../../peer/hash/pool.ts'
import { Catalog } from '../../../../../peer/serve/catalog.ts'
import { Library } from '../../../../../peer/serve/library.ts'
import { Seeds } from '../../../../../peer/serve/seeds.ts'
import { Bitmap } from '../../../../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../../../../protocol/chunking.ts'
import { content } from '../../../../support/peer/content.ts'
import { noTrees } from '../../../../support/peer/no-trees.ts'

const FILE = content(12 * CHUNK_SIZE + 9)
const CHUNKS = 13
const never = new AbortController().signal
const pool = new HashPool()

let folder: string
const parts: PartFile[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-recheck-'))
})
afterEach(async () => {
  for (const part of parts.splice(0)) await part.seal().catch(() => {})
  rmSync(folder, { recursive: true })
})
afterAll(() => pool.close())

async function openPart(): Promise<[PartFile, Leftover]> {
  const opened = await PartFile.open(join(folder, 'file'), FILE.fileId, FILE.size)
  parts.push(opened[0])
  return opened
}

async function write(part: PartFile, chunks: number[]): Promise<void> {
  for (const chunk of chunks) {
    await part.write(FILE.data.subarray(chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE), chunk)
    part.wrote(chunk)
  }
}

async function found(part: PartFile, leftover: Leftover): Promise<number[]> {
  const chunks: number[] = []
  await recheck(part, leftover, FILE.hashes, pool, (chunk) => chunks.push(chunk), never)
  return chunks
}

async function damage(offset: number): Promise<void> {
  const file = await open(join(folder, 'file.shoal-part'), 'r+')
  await file.write(Buffer.from([1, 2, 3, 4]), 0, 4, offset)
  await file.close()
}

test('after a clean stop marks are trusted and nothing is read', async () => {
  const [part] = await openPart()
  await write(part, [0, 5, 12])
  await part.seal()
  expect(await found(...(await openPart()))).toEqual([0, 5, 12])
})

test('after a crash only chunks with valid hashes are kept, marked or not', async () => {
  const [part] = await openPart()
  await write(part, [0, 1, 2, 5, 12])
  await part.flush()
  await write(part, [7, 8])
  expect(await found(...(await openPart()))).toEqual([0, 1, 2, 5, 7, 8, 12])
})

test('flipped bytes invalidate only their own chunks', async () => {
  const [part] = await openPart()
  await write(part, [...Array(CHUNKS).keys()])
  await part.flush()
  await damage(3 * CHUNK_SIZE + 17)
  await damage(FILE.size - 4)
  expect(await found(...(await openPart()))).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11])
})

test('a seal does not cover bytes flipped after it', async () => {
  const [part] = await openPart()
  await write(part, [0, 1])
  await part.seal()
  await damage(5)
  expect(await found(...(await openPart()))).toEqual([1])
})

/** The catalog's entry for the file at `path`. */
function entryOf(path: string, { fileId, size }: { fileId: string; size: number }) {
  const { mtimeNs, ino } = statSync(path, { bigint: true })
  return { group: 'g', name: 'f', path, fileId, size, mtimeNs, ino, fault: null }
}

test('valid chunks of another file on this machine are copied', async () => {
  // A second version: its first half equals the file, and one chunk is damaged on disk.
  const kept = FILE.data.subarray(0, 6 * CHUNK_SIZE)
  const path = join(folder, 'other')
  writeFileSync(path, kept)
  const other = { ...content(6 * CHUNK_SIZE), data: kept }
  const catalog = new Catalog(folder)
  const library = new Library()
  const entry = entryOf(path, { fileId: other.fileId, size: kept.length })
  await new Seeds(catalog, library, noTrees(), () => {}).add(entry, FILE.hashes.subarray(0, 6 * 32))
  const [part, leftover] = await openPart()
  expect(await found(part, leftover)).toEqual([])
  const have = new Bitmap(CHUNKS)
  have.add(2)
  const copied: number[] = []
  await copyLocalChunks(part, have, FILE.hashes, { catalog, library }, (chunk) => copied.push(chunk), never)
  expect(copied).toEqual([0, 1, 3, 4, 5])
  const buffer = Buffer.alloc(CHUNK_SIZE)
  await part.read(buffer, 4 * CHUNK_SIZE)
  expect(buffer.equals(FILE.data.subarray(4 * CHUNK_SIZE, 5 * CHUNK_SIZE))).toBe(true)
  // The copy changes on disk, so nothing more is taken from it.
  writeFileSync(path, Buffer.alloc(kept.length))
  const again: number[] = []
  await copyLocalChunks(
    part,
    new Bitmap(CHUNKS),
    FILE.hashes,
    { catalog, library },
    (c) => again.push(c),
    never,
  )
  expect(again).toEqual([])
  catalog.close()
})

test('a download whose earlier copy is gone does not look for chunks in itself', async () => {
  const catalog = new Catalog(folder)
  const library = new Library()
  const entry = {
    group: 'g',
    name: 'f',
    path: join(folder, 'gone'),
    fileId: FILE.fileId,
    size: FILE.size,
    mtimeNs: 1n,
    ino: 1n,
    fault: null,
  }
  await catalog.put(entry, FILE.hashes)
  catalog.setFault(entry, 'gone')
  const [part] = await openPart()
  const have = new Bitmap(CHUNKS)
  const itself = new PartialFile({ group: 'g', ...FILE }, have, () => FILE.hashes, part)
  library.set(itself)
  let opened = 0
  const openItself = itself.open.bind(itself)
  itself.open = () => {
    opened++
    return openItself()
  }
  const hold = (chunk: number): unknown => have.add(chunk)
  await copyLocalChunks(part, have, FILE.hashes, { catalog, library }, hold, never)
  expect(opened).toBe(0)
  expect(have.count).toBe(0)
  catalog.close()
})

test('chunk lookups stop if nothing is served or the last copy is gone', async () => {
  const catalog = new Catalog(folder)
  const library = new Library()
  const path = join(folder, 'gone')
  writeFileSync(path, FILE.data)
  const entry = entryOf(path, FILE)
  await new Seeds(catalog, library, noTrees(), () => {}).add(entry, FILE.hashes)
  rmSync(path)
  let lookups = 0
  const counting = {
    findChunk: (hash: Uint8Array) => {
      lookups++
      return catalog.findChunk(hash)
    },
  } as Catalog
  const [part] = await openPart()
  const copy = (): Promise<void> =>
    copyLocalChunks(part, new Bitmap(CHUNKS), FILE.hashes, { catalog: counting, library }, () => {}, never)
  await copy()
  expect(lookups).toBe(1)
  await copy()
  expect(lookups).toBe(1)
  catalog.close()
})
