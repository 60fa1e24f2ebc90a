import { ShoalError } from '../errors.ts'
import { comparePaths } from './paths.ts'
import type { TreeIndex } from './tree-index.ts'

/**
 * The entry at a path, null if there is none; -1 for '', the root. Takes O(log n). Names are compared byte by
 * byte: a tree may hold two Unicode forms of one name.
 */
export function find(index: TreeIndex, path: string): number | null {
  if (path === '') return -1
  let low = 0
  let high = index.count
  while (low < high) {
    const middle = (low + high) >> 1
    if (comparePaths(index.path(middle), path) < 0) low = middle + 1
    else high = middle
  }
  return low < index.count && index.path(low) === path ? low : null
}

function findOrThrow(index: TreeIndex, path: string): number {
  const entry = find(index, path)
  if (entry !== null) return entry
  throw new ShoalError('FILE_NOT_FOUND', `the snapshot has no ${JSON.stringify(path)}`, {
    hint: 'paths are exact, also in case and Unicode form',
  })
}

/** What is in the folder `path` ('' is the root), or the entry itself if it is no folder. Throws FILE_NOT_FOUND. */
export function list(index: TreeIndex, path: string): Iterable<number> {
  const entry = findOrThrow(index, path)
  return entry >= 0 && !index.isFolder(entry) ? [entry] : index.children(entry)
}

/** The entry at `path` and all that is below it, as a range of entries [first, end). Throws FILE_NOT_FOUND. */
export function below(index: TreeIndex, path: string): { first: number; end: number } {
  const entry = findOrThrow(index, path)
  return { first: Math.max(0, entry), end: index.end(entry) }
}

/** The entries [first, end), for `chunksOfEntries`. */
export function* range({ first, end }: { first: number; end: number }): Generator<number> {
  for (let entry = first; entry < end; entry++) yield entry
}
