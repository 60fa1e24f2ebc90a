import { readFileSync } from 'node:fs'
import { HASH_SIZE } from '../../protocol/chunking.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { FileState } from './contents.ts'
import { stateOf } from './parts.ts'
import { pathInSelection, type Selection, selectPart } from './plan.ts'
import { readTrailer } from './trailer.ts'

/** A snapshot, or a part of one, that is in a folder of this machine. */
export interface FindRequest {
  /** The file with its manifest and footer, and the size of its stream. */
  trailer: string
  size: number
  /** The folder or file of the tree that is there; '' for all of it. */
  part: string
  /** SHA-256 of the wanted files, packed. */
  wanted: Uint8Array
}

export interface FoundFiles {
  /** Numbers of wanted files, each at most once. */
  numbers: Uint32Array
  /** For each number the file, with the state that the manifest tells; a single file of a tree has the path ''. */
  files: FileState[]
}

/** Finds files of wanted contents in a snapshot. Finds none where the manifest is gone, damaged or without the part. */
export function findFiles({ trailer, size, part, wanted }: FindRequest): FoundFiles {
  const numbers: number[] = []
  const files: FileState[] = []
  const index = readIndex(trailer, size)
  const selection = index && selectionOf(index, part)
  if (!index || !selection) return { numbers: new Uint32Array(0), files }
  const table = new HashTable(wanted)
  for (let entry = selection.first; entry < selection.end; entry++) {
    if (index.kind(entry) !== 'file' || index.size(entry) === 0) continue
    const number = table.take(index.sha256(entry))
    if (number === null) continue
    numbers.push(number)
    files.push({ ...stateOf(index, entry), path: pathInSelection(index, selection, entry) })
  }
  return { numbers: Uint32Array.from(numbers), files }
}

function readIndex(trailer: string, size: number): TreeIndex | null {
  try {
    return readTrailer(readFileSync(trailer), size)
  } catch {
    return null
  }
}

function selectionOf(index: TreeIndex, part: string): Selection | null {
  try {
    return { ...selectPart(index, part), name: '' }
  } catch {
    return null
  }
}

/**
 * Numbers of packed hashes by hash: open addressing with linear probing, eight bytes a hash. Runs are as short as those of
 * the tree that the hashes come from, which refuses hashes that are crafted to meet (protocol/tree/contents.ts).
 */
class HashTable {
  readonly #hashes: Buffer
  /** Number + 1; 0 is free. */
  readonly #slots: Uint32Array
  readonly #taken: Uint8Array

  constructor(packed: Uint8Array) {
    const count = packed.length / HASH_SIZE
    this.#hashes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, count * 2))))
    this.#taken = new Uint8Array(count)
    for (let i = 0; i < count; i++) this.#slots[this.#free(this.#hash(i))] = i + 1
  }

  /** The number of a hash; null if it is not wanted, or was taken before. */
  take(hash: Buffer): number | null {
    for (let slot = this.#first(hash); this.#slots[slot] !== 0; slot = this.#next(slot)) {
      const number = this.#slots[slot]! - 1
      if (!this.#hash(number).equals(hash)) continue
      if (this.#taken[number] === 1) return null
      this.#taken[number] = 1
      return number
    }
    return null
  }

  #hash(number: number): Buffer {
    return this.#hashes.subarray(number * HASH_SIZE, (number + 1) * HASH_SIZE)
  }

  #free(hash: Buffer): number {
    let slot = this.#first(hash)
    while (this.#slots[slot] !== 0) slot = this.#next(slot)
    return slot
  }

  #first(hash: Buffer): number {
    return hash.readUInt32LE(0) & (this.#slots.length - 1)
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1)
  }
}
