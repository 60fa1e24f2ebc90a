import { readFileSync } from 'node:fs'
import { CHUNK_SIZE, chunkCount, chunkLength, extentBytes } from '../../../protocol/chunking.ts'
import { fileId, hashesMatch } from '../../../protocol/file-id.ts'
import { merkleRoot, sha256 } from '../../../protocol/merkle.ts'

interface Vectors {
  chunkSize: number
  files: { size: number; chunkHashes: string[]; root: string; fileId: string }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/file-ids.json', import.meta.url), 'utf8'),
) as Vectors

/** The content that the vectors were made from. */
function content(size: number): Buffer {
  const data = Buffer.alloc(size)
  for (let i = 0; i < size; i++) data[i] = i * 167 + Math.floor(i / 4096)
  return data
}

test('the test vectors use the current chunk size', () => {
  expect(vectors.chunkSize).toBe(CHUNK_SIZE)
})

test.each(vectors.files)('a file of $size bytes has the chunks, root and id of its test vector', (vector) => {
  const data = content(vector.size)
  const hashes = Array.from({ length: chunkCount(vector.size) }, (_, i) => {
    const [start] = extentBytes(vector.size, { first: i, count: 1 })
    return sha256(data.subarray(start, start + chunkLength(vector.size, i)))
  })
  const packed = Buffer.concat(hashes)
  expect(hashes.map((hash) => hash.toString('hex'))).toEqual(vector.chunkHashes)
  expect(merkleRoot(packed).toString('hex')).toBe(vector.root)
  expect(fileId(vector.size, merkleRoot(packed))).toBe(vector.fileId)
  expect(hashesMatch(vector.fileId, vector.size, packed)).toBe(true)
})

test('hashes do not match an id with a different size, chunk size or number of hashes', () => {
  const { size, chunkHashes, fileId: id } = vectors.files.at(-1)!
  const packed = Buffer.from(chunkHashes.join(''), 'hex')
  expect(hashesMatch(id, size + 1, packed)).toBe(false)
  expect(hashesMatch(id, size, packed, CHUNK_SIZE * 2)).toBe(false)
  expect(hashesMatch(id, size, packed.subarray(32))).toBe(false)
  expect(hashesMatch(id, size, Buffer.concat([packed, packed.subarray(-32)]))).toBe(false)
})

test('chunks and extents tile a file exactly', () => {
  for (const { size } of vectors.files) {
    const count = chunkCount(size)
    let total = 0
    for (let i = 0; i < count; i++) total += chunkLength(size, i)
    expect(total).toBe(size)
    expect(extentBytes(size, { first: 0, count })).toEqual([0, size])
  }
})
