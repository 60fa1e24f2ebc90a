import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { HASH_SIZE } from '../../../protocol/chunking.ts'
import { inclusionProof } from '../../../protocol/merkle.ts'
import { BLOCK, ProofTree } from '../../../protocol/proof-tree.ts'

const LEAVES = randomBytes(5 * BLOCK * HASH_SIZE)

function treeOf(hashes: Uint8Array): ProofTree {
  for (const building = ProofTree.build(hashes); ; ) {
    const { done, value } = building.next()
    if (done) return value
  }
}

test('a proof from the tree equals the one from the whole list, for any length', () => {
  const lengths = fc.oneof(
    fc.integer({ min: 1, max: 5 * BLOCK }),
    fc.constantFrom(1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 1, 5 * BLOCK),
  )
  const property = fc.property(lengths, fc.nat(), (count, at) => {
    const hashes = LEAVES.subarray(0, count * HASH_SIZE)
    expect(treeOf(hashes).proof(hashes, at % count)).toEqual(inclusionProof(hashes, at % count))
  })
  fc.assert(property, { numRuns: 60 })
})

test('a proof reads the leaves of only one block', () => {
  const tree = treeOf(LEAVES)
  const index = 2 * BLOCK + 77
  const others = Buffer.alloc(LEAVES.length)
  const [start, end] = [2 * BLOCK * HASH_SIZE, 3 * BLOCK * HASH_SIZE]
  LEAVES.copy(others, start, start, end)
  expect(tree.proof(others, index)).toEqual(inclusionProof(LEAVES, index))
})

test('a proof for a leaf out of range is refused', () => {
  expect(() => treeOf(LEAVES).proof(LEAVES, 5 * BLOCK)).toThrow(RangeError)
  expect(() => treeOf(LEAVES).proof(LEAVES, -1)).toThrow(RangeError)
})
