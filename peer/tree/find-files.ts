import { readFileSync } from 'node:fs'
import { HASH_SIZE } from '../../protocol/chunking.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { readTrailer } from '../../protocol/tree/tree-reader.ts'
import type { FileState } from './contents.ts'
import { stateOf } from './parts.ts'
import { pathInSelection, type Selection, selectPart } from './plan.ts'

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
  const left = numbersByHash(wanted)
  for (let entry = selection.first; entry < selection.end; entry++) {
    if (index.kind(entry) !== 'file' || index.size(entry) === 0) continue
    const hash = index.sha256(entry).toString('latin1')
    const number = left.get(hash)
    if (number === undefined) continue
    left.delete(hash)
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

/** Numbers of packed hashes, by hash. About 100 bytes a hash, for as long as one tree is searched. */
function numbersByHash(packed: Uint8Array): Map<string, number> {
  const hashes = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  const numbers = new Map<string, number>()
  for (let i = 0; i < hashes.length / HASH_SIZE; i++)
    numbers.set(hashes.toString('latin1', i * HASH_SIZE, (i + 1) * HASH_SIZE), i)
  return numbers
}
