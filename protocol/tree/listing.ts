import { ShoalError } from '../errors.ts'
import type { TreeIndex } from './tree-index.ts'

/** Entries [first, end) of a tree. */
export interface EntryRange {
  first: number
  end: number
}

/** The entry at exactly this path, null if there is none; -1 for '', the root. Takes O(log n) for each part of it. */
export function findExact(index: TreeIndex, path: string): number | null {
  if (path === '') return -1
  // In UTF-8 a lone surrogate would become the replacement character, which a name may contain.
  if (!path.isWellFormed()) return null
  let entry = -1
  for (const part of path.split('/')) {
    const child = childNamed(index, entry, Buffer.from(part))
    if (child === null) return null
    entry = child
  }
  return entry
}

/** Compares bytes of names: to build the strings of whole paths takes four times as long. */
function childNamed(index: TreeIndex, folder: number, name: Buffer): number | null {
  let low = folder + 1
  let high = index.end(folder)
  while (low < high) {
    let child = (low + high) >> 1
    for (let above = index.parent(child); above !== folder; above = index.parent(child)) child = above
    const order = index.nameBytes(child).compare(name)
    if (order === 0) return child
    if (order < 0) low = index.end(child)
    else high = child
  }
  return null
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
