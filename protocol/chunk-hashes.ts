import { hash } from 'node:crypto'
import { HASH_SIZE } from './chunking.ts'

/** The hash at `index` of packed chunk hashes. */
export function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * HASH_SIZE, (index + 1) * HASH_SIZE)
}

/** Whether `data` has the hash at `index` of packed chunk hashes. False beyond their end. */
export function isChunk(data: Uint8Array, hashes: Uint8Array, index: number): boolean {
  return hash('sha256', data, 'buffer').equals(hashAt(hashes, index))
}

/** Whether two lists of packed chunk hashes have the same hash at `index`. */
export function isSameChunk(a: Uint8Array, b: Uint8Array, index: number): boolean {
  return Buffer.compare(hashAt(a, index), hashAt(b, index)) === 0
}
