import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Catalog, type CatalogEntry } from '../../../../peer/serve/catalog.ts'
import { Library } from '../../../../peer/serve/library.ts'
import { Seeds } from '../../../../peer/serve/seeds.ts'
import { CHUNK_SIZE } from '../../../../protocol/chunking.ts'
import { type Content, content } from '../../../support/peer/content.ts'
import { noTrees } from '../../../support/peer/no-trees.ts'

const A = content(2 * CHUNK_SIZE + 5, 1)
const B = content(CHUNK_SIZE, 2)

let folder: string
let catalog: Catalog
let library: Library
let seeds: Seeds
const warnings: string[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-catalog-'))
  catalog = new Catalog(folder)
  library = new Library()
  seeds = new Seeds(catalog, library, noTrees(), (message) => warnings.push(message))
  warnings.length = 0
})
afterEach(() => {
  catalog.close()
  rmSync(folder, { recursive: true })
})

function entryOf(file: Content, name: string, group = 'team'): CatalogEntry {
  const path = join(folder, name)
  const { mtimeNs, ino } = statSync(path, { bigint: true })
  return { group, name, path, fileId: file.fileId, size: file.size, mtimeNs, ino, fault: null }
}

async function add(file: Content, name: string, group?: string): Promise<CatalogEntry> {
  writeFileSync(join(folder, name), file.data)
  const entry = entryOf(file, name, group)
  await seeds.add(entry, file.hashes)
  return entry
}

test('records survive a restart, to the nanosecond', async () => {
  const entry = await add(A, 'a')
  catalog.close()
  catalog = new Catalog(folder)
  expect(catalog.all()).toEqual([entry])
  expect(catalog.byFileId(A.fileId)).toEqual([entry])
  expect(catalog.byName('team', 'a')).toEqual([entry])
  expect(catalog.hashes(A.fileId)?.equals(A.hashes)).toBe(true)
  expect(catalog.hashes(B.fileId)).toBeNull()
})

test('a chunk is found by its hash until its file is removed', async () => {
  const entry = await add(A, 'a')
  const hash = A.hashes.subarray(32, 64)
  expect(catalog.findChunk(hash)).toEqual({ fileId: A.fileId, index: 1 })
  catalog.remove(entry)
  expect(catalog.findChunk(hash)).toBeNull()
  expect(catalog.hashes(A.fileId)).toBeNull()
})

test('content in two groups stays until it is removed from both', async () => {
  const one = await add(A, 'a')
  const two = { ...one, group: 'other' }
  await seeds.add(two, A.hashes)
  expect([...(library.get(A.fileId)?.groups ?? [])].sort()).toEqual(['other', 'team'])
  seeds.forget('team', 'a', A.fileId)
  expect(catalog.hashes(A.fileId)).not.toBeNull()
  expect([...(library.get(A.fileId)?.groups ?? [])]).toEqual(['other'])
  seeds.forget('other', 'a', A.fileId)
  expect(catalog.all()).toEqual([])
  expect(library.get(A.fileId)).toBeUndefined()
})

test('a new version at the same path replaces the old one, and its chunks are found', async () => {
  const grown = content(A.size, 1)
  const version = { ...content(3 * CHUNK_SIZE, 4) }
  version.hashes = Buffer.concat([grown.hashes.subarray(0, 32), version.hashes.subarray(32)])
  await add(A, 'a')
  await add(version, 'a')
  expect(library.get(A.fileId)).toBeUndefined()
  expect(catalog.byFileId(A.fileId)).toEqual([])
  expect(catalog.all().map(({ fileId, fault }) => [fileId, fault])).toEqual([[version.fileId, null]])
  // A chunk of both versions is found in the current one.
  expect(catalog.findChunk(A.hashes.subarray(0, 32))).toEqual({ fileId: version.fileId, index: 0 })
})

test('an older removal of the same name does not remove the new version', async () => {
  await add(A, 'a')
  await add(B, 'a')
  seeds.forget('team', 'a', A.fileId)
  expect(library.get(B.fileId)).toBeDefined()
  expect(catalog.all()).toHaveLength(1)
})

test('at start-up intact files are served, and changed ones are marked and reported', async () => {
  await add(A, 'a')
  await add(B, 'b')
  writeFileSync(join(folder, 'b'), 'changed')
  library = new Library()
  seeds = new Seeds(catalog, library, noTrees(), (message) => warnings.push(message))
  await seeds.load()
  expect(library.get(A.fileId)).toBeDefined()
  expect(library.get(B.fileId)).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining(join(folder, 'b'))])
  // It stays marked and is not reported again.
  await new Seeds(catalog, new Library(), noTrees(), (message) => warnings.push(message)).load()
  expect(warnings).toHaveLength(1)
})

test('a file replaced by one with the same size and time is noticed', async () => {
  const entry = await add(A, 'a')
  writeFileSync(join(folder, 'swap'), Buffer.alloc(A.size))
  renameSync(join(folder, 'swap'), entry.path)
  await seeds.check()
  expect(library.get(A.fileId)).toBeUndefined()
})

test('names that users choose cannot inject SQL', async () => {
  const name = `x'); DROP TABLE files; --`
  await add(B, name)
  expect(catalog.byName('team', name)).toHaveLength(1)
  expect(catalog.byName('__proto__', 'toString')).toEqual([])
})

test('a second process with the catalog open sees the records of the first', async () => {
  const other = new Catalog(folder)
  const entry = await add(A, 'a')
  expect(other.all()).toEqual([entry])
  other.close()
})
