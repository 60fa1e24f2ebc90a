import type { SnapshotPath } from '../../peer/snapshot-tree.ts'
import type { EntryKind } from '../../protocol/tree/entry.ts'
import { inside, list, range, sizesBelow } from '../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import { formatBytes, formatMode, formatTime } from '../text/format.ts'
import { documentParts, ended, tableLines } from '../text/parts.ts'

/** An entry of a tree in a --json document. */
export interface EntryDocument {
  path: string
  kind: EntryKind
  /** Permission bits in octal, "0755"; null for a link. */
  mode: string | null
  mtime: string
  /** Of a file. */
  size?: number
  sha256?: string
  /** Of a link. */
  target?: string
}

export function entryDocument(index: TreeIndex, entry: number): EntryDocument {
  const kind = index.kind(entry)
  return {
    path: index.path(entry),
    kind,
    mode: kind === 'link' ? null : `0${index.mode(entry).toString(8).padStart(3, '0')}`,
    mtime: formatTime(index.mtimeNs(entry)),
    ...(kind === 'file' ? { size: index.size(entry), sha256: index.sha256(entry).toString('hex') } : {}),
    ...(kind === 'link' ? { target: index.target(entry) } : {}),
  }
}

/** The permission bits of an entry as text; links have none. */
export const modeText = (index: TreeIndex, entry: number): string =>
  index.kind(entry) === 'link' ? '-' : formatMode(index.mode(entry))

/** To the second. */
export const mtimeText = (index: TreeIndex, entry: number): string =>
  formatTime(index.mtimeNs(entry)).replace(/\.\d+/, '')

/** A path as people read it: a folder ends in a slash, a link shows its target. */
export function pathText(index: TreeIndex, entry: number): string {
  const path = index.path(entry)
  const kind = index.kind(entry)
  if (kind === 'folder') return `${path}/`
  return kind === 'link' ? `${path} -> ${index.target(entry)}` : path
}

/** The entries that `group ls` shows of the folder or file `path`, in the order of the tree. Throws FILE_NOT_FOUND. */
export function listed(index: TreeIndex, path: string, recursive: boolean): () => Iterable<number> {
  const entries = inside(index, path)
  return recursive ? () => range(entries) : () => list(index, path)
}

/** The --json document of a listing. Of a folder, `size` is the bytes of all files below it. */
export function listingDocument(
  file: SnapshotPath['file'],
  path: string,
  index: TreeIndex,
  entries: () => Iterable<number>,
): Iterable<string> {
  const { name, version, fileId } = file
  const sizes = sizesBelow(index)
  function* items(): Generator<object> {
    for (const entry of entries()) {
      const document = entryDocument(index, entry)
      yield document.kind === 'folder' ? { ...document, size: sizes(entry) } : document
    }
  }
  return documentParts({ name, version, fileId, path }, 'entries', items())
}

export function listingText(
  file: SnapshotPath['file'],
  index: TreeIndex,
  entries: () => Iterable<number>,
): Iterable<string> {
  const sizes = sizesBelow(index)
  function* rows(): Generator<string[]> {
    for (const entry of entries()) {
      const kind = index.kind(entry)
      const size = kind === 'link' ? '-' : formatBytes(sizes(entry))
      yield [kind, modeText(index, entry), size, mtimeText(index, entry), pathText(index, entry)]
    }
  }
  function* lines(): Generator<string> {
    yield* tableLines(['KIND', 'MODE', 'SIZE', 'MODIFIED', 'NAME'], rows)
    const count = index.count === 1 ? '1 entry' : `${index.count} entries`
    yield `${file.name} version ${file.version}: ${count}, ${formatBytes(sizes(-1))}`
  }
  return ended(lines())
}
