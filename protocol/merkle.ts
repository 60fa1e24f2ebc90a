import { hash } from 'node:crypto'
import { HASH_SIZE } from './chunking.ts'

/**
 * The Merkle Tree Hash of RFC 9162, section 2.1, with SHA-256. The leaves are a file's chunk hashes, packed
 * into a buffer of n × 32 bytes. Leaf and node hashes have different prefixes, so a node can never pass for a
 * leaf. No leaf is ever duplicated to fill a level.
 */
const LEAF_PREFIX = Buffer.from([0x00])
const NODE_PREFIX = Buffer.from([0x01])
const EMPTY_ROOT = hash('sha256', '', 'buffer')

/** One call for short texts: a Hash object costs more than the hash of 65 bytes does. */
export function sha256(...parts: Uint8Array[]): Buffer {
  return hash('sha256', Buffer.concat(parts), 'buffer')
}

export const leafHash = (data: Uint8Array): Buffer => sha256(LEAF_PREFIX, data)
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(NODE_PREFIX, left, right)

/**
 * Builds the root from leaves that arrive in order, in O(log n) memory. The stack holds the roots of the
 * complete subtrees so far, largest first, like the binary digits of the leaf count.
 */
export class MerkleBuilder {
  readonly #stack: { level: number; hash: Buffer }[] = []

  addLeaf(data: Uint8Array): void {
    let node = { level: 0, hash: leafHash(data) }
    for (let top = this.#stack.at(-1); top?.level === node.level; top = this.#stack.at(-1)) {
      this.#stack.pop()
      node = { level: node.level + 1, hash: nodeHash(top.hash, node.hash) }
    }
    this.#stack.push(node)
  }

  /** The root over the leaves so far; without any, the hash of the empty string (RFC 9162, 2.1.1). */
  root(): Buffer {
    if (this.#stack.length === 0) return EMPTY_ROOT
    return this.#stack.map((node) => node.hash).reduceRight((right, left) => nodeHash(left, right))
  }
}

/** Root over `hashes`, n chunk hashes of 32 bytes each, packed in order. */
export function merkleRoot(hashes: Uint8Array): Buffer {
  const builder = new MerkleBuilder()
  for (let i = 0; i < hashes.length; i += HASH_SIZE) builder.addLeaf(hashes.subarray(i, i + HASH_SIZE))
  return builder.root()
}

/** Largest power of two smaller than n (n > 1): where RFC 9162 splits a list of n leaves. */
export function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** Inclusion proof for leaf `index` (RFC 9162, 2.1.3.1): at most ⌈log2 n⌉ hashes, from the leaf upwards. */
export function inclusionProof(hashes: Uint8Array, index: number): Buffer[] {
  const n = hashes.length / HASH_SIZE
  if (index < 0 || index >= n) throw new RangeError(`leaf ${index} of ${n}`)
  if (n === 1) return []
  const k = split(n)
  const left = hashes.subarray(0, k * HASH_SIZE)
  const right = hashes.subarray(k * HASH_SIZE)
  return index < k
    ? [...inclusionProof(left, index), merkleRoot(right)]
    : [...inclusionProof(right, index - k), merkleRoot(left)]
}

/** Whether `leaf` (a chunk hash) is leaf `index` of `count` under `root` (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  count: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0 || index >= count) return false
  let position = index
  let last = count - 1
  let hash: Buffer = leafHash(leaf)
  for (const sibling of proof) {
    if (last === 0) return false
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash)
      while (position % 2 === 0 && position !== 0) {
        position = Math.floor(position / 2)
        last = Math.floor(last / 2)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    position = Math.floor(position / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && hash.equals(root)
}
