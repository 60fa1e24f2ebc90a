import { hashAt, isChunk, isSameChunk } from '../../../protocol/chunk-hashes.ts'
import { sha256 } from '../../../protocol/merkle.ts'

const [first, second] = [Buffer.from('first'), Buffer.from('second')]
const hashes = Buffer.concat([sha256(first), sha256(second)])

test('a chunk matches only the hash at its own index', () => {
  expect(hashAt(hashes, 1)).toEqual(sha256(second))
  expect(isChunk(second, hashes, 1)).toBe(true)
  expect(isChunk(first, hashes, 1)).toBe(false)
})

test('no data is a chunk beyond the end of the hashes', () => {
  expect(isChunk(second, hashes, 2)).toBe(false)
  expect(isChunk(Buffer.alloc(0), Buffer.alloc(0), 0)).toBe(false)
})

test('two lists are compared at one index', () => {
  const other = Buffer.concat([sha256(second), sha256(second)])
  expect([0, 1].map((index) => isSameChunk(hashes, other, index))).toEqual([false, true])
})
