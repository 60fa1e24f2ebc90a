import { ShoalError } from '../errors.ts'
import { comparePaths } from './paths.ts'
import type { TreeIndex } from './tree-index.ts'

/** Entries [first, end) of a tree. */
export interface EntryRange {
  first: number
  end: number
}

/** The entry at exactly this path, null if there is none; -1 for '', the root. Takes O(log n). */
export function findExact(index: TreeIndex, path: string): number | null {
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

/**
 * As `findExact`; but where there is none, the first entry whose path has the same Unicode NFC form. A tree keeps
 * names as its publisher's system wrote them, and people type another form.
 */
export function find(index: TreeIndex, path: string): number | null {
  const exact = findExact(index, path)
  if (exact !== null || isAscii(path)) return exact
  let at = -1
  for (const part of path.normalize('NFC').split('/')) {
    const next = childWithForm(index, at, part)
    if (next === null) return null
    at = next
  }
  return at
}

function childWithForm(index: TreeIndex, folder: number, nfc: string): number | null {
  for (const child of index.children(folder)) if (index.name(child).normalize('NFC') === nfc) return child
  return null
}

const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length

function findOrThrow(index: TreeIndex, path: string): number {
  const entry = find(index, path)
  if (entry !== null) return entry
  throw new ShoalError('FILE_NOT_FOUND', `the snapshot has no ${JSON.stringify(path)}`, {
    hint: 'upper and lower case count; list the folder above to see its names',
  })
}

/** The entries in the folder `path` ('' is the root), or the entry itself if it is no folder. Throws FILE_NOT_FOUND. */
export function list(index: TreeIndex, path: string): Iterable<number> {
  const entry = findOrThrow(index, path)
  return entry >= 0 && !index.isFolder(entry) ? [entry] : index.children(entry)
}

/** The entry at `path` and all that is below it. Throws FILE_NOT_FOUND. */
export function below(index: TreeIndex, path: string): EntryRange {
  const entry = findOrThrow(index, path)
  return { first: Math.max(0, entry), end: index.end(entry) }
}

/** All that is in the folder `path`, at any depth, or the entry itself if it is no folder. Throws FILE_NOT_FOUND. */
export function inside(index: TreeIndex, path: string): EntryRange {
  const entry = findOrThrow(index, path)
  if (entry >= 0 && !index.isFolder(entry)) return { first: entry, end: entry + 1 }
  return { first: entry + 1, end: index.end(entry) }
}

/** The entries [first, end), for `chunksOfEntries`. */
export function* range({ first, end }: EntryRange): Generator<number> {
  for (let entry = first; entry < end; entry++) yield entry
}

/** The bytes of the files below each entry; of a file its size. Takes O(n), and 8 bytes an entry. */
export function sizesBelow(index: TreeIndex): (entry: number) => number {
  const before = new Float64Array(index.count + 1)
  for (let entry = 0; entry < index.count; entry++) before[entry + 1] = before[entry]! + index.size(entry)
  return (entry) => before[index.end(entry)]! - before[Math.max(0, entry)]!
}
