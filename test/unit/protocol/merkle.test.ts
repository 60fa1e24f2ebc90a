import fc from 'fast-check'
import {
  inclusionProof,
  leafHash,
  MerkleBuilder,
  merkleRoot,
  sha256,
  verifyInclusion,
} from '../../../protocol/merkle.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** The eight leaves of the certificate-transparency reference tests (RFC 6962, same tree as RFC 9162). */
const CT_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const CT_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
/** Their inclusion proofs: leaf (from 0), tree size, path. */
const CT_PATHS: [number, number, string[]][] = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
]

/** The recursive definition of RFC 9162, 2.1.1, verbatim. */
function treeHash(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return sha256(hex('00'), leaves[0]!)
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1))
  return sha256(hex('01'), treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)))
}

const rootOf = (leaves: readonly Uint8Array[]): Buffer => {
  const builder = new MerkleBuilder()
  for (const leaf of leaves) builder.addLeaf(leaf)
  return builder.root()
}

const packed = fc
  .integer({ min: 1, max: 70 })
  .chain((n) => fc.uint8Array({ minLength: n * 32, maxLength: n * 32 }))
const leafAt = (hashes: Uint8Array, index: number): Uint8Array => hashes.subarray(index * 32, index * 32 + 32)

test.each(CT_ROOTS.map((root, n) => [n, root] as const))(
  'the root of the first %i certificate-transparency leaves matches RFC 6962',
  (n, root) => {
    expect(rootOf(CT_LEAVES.slice(0, n).map(hex)).toString('hex')).toBe(root)
  },
)

test.each(CT_PATHS)('the known proof of leaf %i of %i verifies', (index, count, path) => {
  const root = hex(CT_ROOTS[count]!)
  expect(verifyInclusion(hex(CT_LEAVES[index]!), index, count, path.map(hex), root)).toBe(true)
  expect(verifyInclusion(hex('ff'), index, count, path.map(hex), root)).toBe(false)
})

test("after every leaf, the builder's root matches the recursive definition", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 }), (leaves) => {
      const builder = new MerkleBuilder()
      for (const [i, leaf] of leaves.entries()) {
        builder.addLeaf(leaf)
        expect(builder.root()).toEqual(treeHash(leaves.slice(0, i + 1)))
      }
    }),
  )
})

test('the proof of every leaf verifies and is at most ⌈log2 n⌉ hashes long', () => {
  fc.assert(
    fc.property(packed, (hashes) => {
      const count = hashes.length / 32
      const root = merkleRoot(hashes)
      for (let i = 0; i < count; i++) {
        const proof = inclusionProof(hashes, i)
        expect(proof.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)))
        expect(verifyInclusion(leafAt(hashes, i), i, count, proof, root)).toBe(true)
      }
    }),
  )
})

test('a proof does not verify with one bit flipped in the leaf, the path or the root', () => {
  fc.assert(
    fc.property(packed, fc.nat(), fc.nat(), (hashes, which, bit) => {
      const count = hashes.length / 32
      const index = which % count
      const parts = [leafAt(hashes, index), ...inclusionProof(hashes, index), merkleRoot(hashes)]
      const all = Buffer.concat(parts)
      all[Math.floor(bit / 8) % all.length]! ^= 1 << (bit % 8)
      const path = parts.slice(1, -1).map((_, i) => all.subarray((i + 1) * 32, (i + 2) * 32))
      expect(verifyInclusion(all.subarray(0, 32), index, count, path, all.subarray(-32))).toBe(false)
    }),
  )
})

test('a proof does not verify with a wrong index, a wrong count, or a shorter or longer path', () => {
  fc.assert(
    fc.property(packed, fc.nat(), (hashes, which) => {
      const count = hashes.length / 32
      const index = which % count
      const proof = inclusionProof(hashes, index)
      const root = merkleRoot(hashes)
      const leaf = leafAt(hashes, index)
      const verify = (i: number, n: number, path: Buffer[]): boolean =>
        verifyInclusion(leaf, i, n, path, root)
      expect(verify(-1, count, proof)).toBe(false)
      expect(verify(count, count, proof)).toBe(false)
      expect(verify(index, count, [...proof, sha256()])).toBe(false)
      if (proof.length > 0) expect(verify(index, count, proof.slice(0, -1))).toBe(false)
      if (count > 1) expect(verify((index + 1) % count, count, proof)).toBe(false)
      expect(verify(index, count * 2 + 1, proof)).toBe(false)
    }),
  )
})

test('a node does not verify as a leaf, because the two have different prefixes', () => {
  const hashes = Buffer.concat([sha256(hex('01')), sha256(hex('02')), sha256(hex('03')), sha256(hex('04'))])
  const [left, right] = [merkleRoot(hashes.subarray(0, 64)), merkleRoot(hashes.subarray(64))]
  const children = Buffer.concat([leafHash(leafAt(hashes, 0)), leafHash(leafAt(hashes, 1))])
  expect(verifyInclusion(left, 0, 2, [right], merkleRoot(hashes))).toBe(false)
  expect(verifyInclusion(children, 0, 2, [right], merkleRoot(hashes))).toBe(false)
})

test('a proof for a leaf out of range is refused', () => {
  expect(() => inclusionProof(sha256(), 1)).toThrow(RangeError)
  expect(() => inclusionProof(sha256(), -1)).toThrow(RangeError)
  expect(() => inclusionProof(new Uint8Array(0), 0)).toThrow(RangeError)
})
