import { HASH_SIZE } from './chunking.ts'
import { merkleRoot, nodeHash, split } from './merkle.ts'

/** Leaves per stored root. A proof hashes one such block, and a file of a terabyte has 2,048 of them. */
export const BLOCK = 1024

/**
 * The upper part of a file's Merkle tree (RFC 9162, 2.1): the roots of its blocks of leaves, 32 bytes per 512
 * MiB of file. With it, a proof costs one block, not the whole tree.
 */
export class ProofTree {
  readonly #count: number
  readonly #roots: Buffer[] = []

  private constructor(count: number) {
    this.#count = count
  }

  /** Builds the tree from packed chunk hashes. Yields between blocks, because a long list takes seconds. */
  static *build(hashes: Uint8Array): Generator<void, ProofTree> {
    const tree = new ProofTree(hashes.length / HASH_SIZE)
    for (let at = 0; at < hashes.length; at += BLOCK * HASH_SIZE) {
      tree.#roots.push(merkleRoot(hashes.subarray(at, at + BLOCK * HASH_SIZE)))
      yield
    }
    return tree
  }

  /** Inclusion proof for leaf `index` of the original list (RFC 9162, 2.1.3.1), from the leaf upwards. */
  proof(hashes: Uint8Array, index: number): Buffer[] {
    if (index < 0 || index >= this.#count) throw new RangeError(`leaf ${index} of ${this.#count}`)
    const proof: Buffer[] = []
    let [first, count] = [0, this.#count]
    while (count > 1) {
      const k = split(count)
      if (index < first + k) {
        proof.unshift(this.#root(hashes, first + k, count - k))
        count = k
      } else {
        proof.unshift(this.#root(hashes, first, k))
        first += k
        count -= k
      }
    }
    return proof
  }

  #root(hashes: Uint8Array, first: number, count: number): Buffer {
    if (count > BLOCK) {
      const k = split(count)
      return nodeHash(this.#root(hashes, first, k), this.#root(hashes, first + k, count - k))
    }
    const isBlock = first % BLOCK === 0 && count === Math.min(BLOCK, this.#count - first)
    if (isBlock) return this.#roots[first / BLOCK]!
    return merkleRoot(hashes.subarray(first * HASH_SIZE, (first + count) * HASH_SIZE))
  }
}
