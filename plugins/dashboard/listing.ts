import { formatMode, formatTime, list, sizesBelow, type TreeIndex } from '@shoal/plugin'

/** Entries of one answer. */
const PAGE = 500

export interface Listing {
  entries: ListedEntry[]
  /** How many entries to skip for the rest, null if there is none. */
  next: number | null
}

export interface ListedEntry {
  name: string
  kind: 'file' | 'folder' | 'link'
  /** Permission bits as ls shows them; '' of a link. */
  mode: string
  mtime: string
  /** Of a file, or of all files below a folder. */
  size: number
  /** Of a link. */
  target?: string
}

/** A page of a folder of a tree, '' for its top. Throws FILE_NOT_FOUND. */
export function listing(index: TreeIndex, path: string, skip: number): Listing {
  const sizes = sizesBelow(index)
  const entries: ListedEntry[] = []
  let seen = 0
  for (const entry of list(index, path)) {
    if (seen++ < skip) continue
    if (entries.length === PAGE) return { entries, next: skip + PAGE }
    const kind = index.kind(entry)
    entries.push({
      name: index.name(entry),
      kind,
      mode: kind === 'link' ? '' : formatMode(index.mode(entry)),
      mtime: formatTime(index.mtimeNs(entry)),
      size: sizes(entry),
      ...(kind === 'link' ? { target: index.target(entry) } : {}),
    })
  }
  return { entries, next: null }
}
