import { readFileSync } from 'node:fs'
import { CHUNK_SIZE, chunkCount } from '../../../../protocol/chunking.ts'
import { fileId } from '../../../../protocol/file-id.ts'
import { merkleRoot, sha256 } from '../../../../protocol/merkle.ts'
import type { TreeEntry } from '../../../../protocol/tree/entry.ts'
import { TreeError } from '../../../../protocol/tree/errors.ts'
import { decodeFooter, FOOTER_SIZE } from '../../../../protocol/tree/footer.ts'
import { segmentsOfChunk } from '../../../../protocol/tree/layout.ts'
import { buildTree, readTree } from '../../../../protocol/tree/tree-reader.ts'

type VectorEntry = { path: string; mtimeNs: string } & (
  | { kind: 'file'; mode: string; size: number; seed: number; sha256: string }
  | { kind: 'folder'; mode: string }
  | { kind: 'link'; target: string }
)

interface Vectors {
  chunkSize: number
  trees: {
    name: string
    entries: VectorEntry[]
    manifest: string
    footer: string
    size: number
    chunkHashes: string[]
    fileId: string
  }[]
  refused: { name: string; manifest: string; footer: string; fault: string }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/trees.json', import.meta.url), 'utf8'),
) as Vectors

/** The content that the vectors were made from. */
function content({ size, seed }: { size: number; seed: number }): Buffer {
  const data = Buffer.alloc(size)
  for (let i = 0; i < size; i++) data[i] = i * 167 + Math.floor(i / 4096) + seed
  return data
}

function entryOf(entry: VectorEntry): TreeEntry {
  const common = { path: entry.path, mtimeNs: BigInt(entry.mtimeNs) }
  if (entry.kind === 'link') return { kind: 'link', ...common, target: entry.target }
  const mode = Number.parseInt(entry.mode, 8)
  if (entry.kind === 'folder') return { kind: 'folder', ...common, mode }
  return { kind: 'file', ...common, mode, size: entry.size, sha256: Buffer.from(entry.sha256, 'hex') }
}

test('the test vectors use the current chunk size', () => {
  expect(vectors.chunkSize).toBe(CHUNK_SIZE)
})

test.each(vectors.trees)('a tree with $name has the manifest and footer of its test vector', (vector) => {
  const entries = vector.entries.map(entryOf)
  const { index, trailer } = buildTree(entries)
  expect(Buffer.concat(trailer.slice(0, -1)).toString('hex')).toBe(vector.manifest)
  expect(trailer.at(-1)!.toString('hex')).toBe(vector.footer)
  expect(index.streamSize).toBe(vector.size)
  const footer = decodeFooter(Buffer.from(vector.footer, 'hex'), vector.size)
  expect([...readTree([Buffer.from(vector.manifest, 'hex')], footer).entries()]).toEqual(entries)
})

test.each(vectors.trees)('a stream of $name has the chunk hashes and id of its test vector', (vector) => {
  const { index, trailer } = buildTree(vector.entries.map(entryOf))
  const files = vector.entries.map((entry) => (entry.kind === 'file' ? content(entry) : Buffer.alloc(0)))
  for (const [i, entry] of vector.entries.entries())
    if (entry.kind === 'file') expect(sha256(files[i]!).toString('hex')).toBe(entry.sha256)
  const end = Buffer.concat(trailer)
  const hashes = Array.from({ length: chunkCount(vector.size) }, (_, chunk) => {
    const parts = [...segmentsOfChunk(index, chunk)].map(({ entry, offset, length }) =>
      (entry === null ? end : files[entry]!).subarray(offset, offset + length),
    )
    return sha256(...parts)
  })
  expect(hashes.map((hash) => hash.toString('hex'))).toEqual(vector.chunkHashes)
  expect(fileId(vector.size, merkleRoot(Buffer.concat(hashes)))).toBe(vector.fileId)
})

test.each(vectors.refused)('a manifest with $name is refused', ({ manifest, footer, fault }) => {
  const bytes = Buffer.from(manifest, 'hex')
  const end = Buffer.from(footer, 'hex')
  const streamSize = Number(end.readBigUInt64BE(0)) + bytes.length + FOOTER_SIZE
  let error: unknown
  try {
    readTree([bytes], decodeFooter(end, streamSize))
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(TreeError)
  expect((error as TreeError).fault).toBe(fault)
})
