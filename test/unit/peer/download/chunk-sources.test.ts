import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChunkSource, WantedChunk } from '../../../../peer/download/chunk-sources.ts'
import { takeFromSources } from '../../../../peer/download/chunk-sources.ts'
import { PartFile } from '../../../../peer/download/disk/part-file.ts'
import { Bitmap } from '../../../../protocol/bitmap.ts'
import { CHUNK_SIZE, chunkCount } from '../../../../protocol/chunking.ts'
import { sha256 } from '../../../../protocol/merkle.ts'

const content = randomBytes(3 * CHUNK_SIZE + 1000)
const chunks = chunkCount(content.length)
const chunkOf = (index: number) => content.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE)
const hashes = Buffer.concat(Array.from({ length: chunks }, (_, index) => sha256(chunkOf(index))))
const file = { group: 'team', name: 'file', fileId: 'ab'.repeat(32) }

let folder: string
let part: PartFile
let have: Bitmap
let failures: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-sources-'))
  ;[part] = await PartFile.open(join(folder, 'file'), file.fileId, content.length)
  have = new Bitmap(chunks)
  failures = []
})
afterEach(async () => {
  await part.seal()
  await rm(folder, { recursive: true })
})

const take = (sources: ChunkSource[], signal = new AbortController().signal): Promise<void> =>
  takeFromSources(
    sources,
    file,
    part,
    have,
    hashes,
    (chunk) => have.add(chunk),
    (source, error) => failures.push(`${source.name}: ${error.message}`),
    signal,
  )

test('chunks from sources are verified, written in place, and requested once', async () => {
  const asked: WantedChunk[] = []
  const odd: ChunkSource = {
    name: 'odd',
    async chunk(wanted) {
      asked.push(wanted)
      return wanted.index % 2 === 1 ? chunkOf(wanted.index) : null
    },
  }
  const all: ChunkSource = { name: 'all', chunk: async ({ index }) => chunkOf(index) }
  await take([odd, all])
  expect(asked.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3])
  expect(asked.find(({ index }) => index === 3)).toEqual({
    ...{ ...file, index: 3, offset: 3 * CHUNK_SIZE, length: 1000 },
    hash: sha256(chunkOf(3)).toString('hex'),
  })
  expect(have.isFull).toBe(true)
  expect(await readFile(part.path)).toEqual(content)
  expect(failures).toEqual([])
})

test('a source that sends a wrong chunk is dropped, and nothing from it is written', async () => {
  let asked = 0
  const liar: ChunkSource = {
    name: 'liar',
    async chunk({ index, length }) {
      asked++
      return index === 0 ? new Uint8Array(length) : null
    },
  }
  await take([liar, { name: 'good', chunk: async ({ index }) => (index === 0 ? chunkOf(0) : null) }])
  expect(failures).toEqual(['liar: chunk 0 does not match its hash'])
  expect(asked).toBeLessThanOrEqual(chunks)
  expect(have.has(0)).toBe(true)
  expect((await readFile(part.path)).subarray(0, CHUNK_SIZE)).toEqual(Buffer.from(chunkOf(0)))
})

test('after a source throws, the others provide the rest', async () => {
  const broken: ChunkSource = {
    name: 'broken',
    async chunk() {
      throw new Error('no route to the mirror')
    },
  }
  await take([broken])
  expect(failures).toEqual(['broken: no route to the mirror'])
  expect(have.has(0)).toBe(false)
})
