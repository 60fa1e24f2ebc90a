import { diff } from '../../../protocol/tree/diff.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import type { ListedEntry, Listing } from '../../tree/list.ts'
import { stateOf } from '../../tree/parts.ts'

/** What a download removes from the folder that it merges a tree into, the deepest first. */
export interface Removals {
  /** Removed before the tree is placed: of another kind than what the tree has there, or below such a folder. */
  obstacles: ListedEntry[]
  /** Removed last: the tree does not have it. */
  obsolete: ListedEntry[]
  /** Paths that stay, although the tree does not have them. */
  kept: string[]
}

export const NO_REMOVALS: Removals = { obstacles: [], obsolete: [], kept: [] }

/** Entries of the earlier tree that the new one does not have. */
export function removalsAfter(earlier: TreeIndex, index: TreeIndex): Removals {
  const removed = [...diff(earlier, index)].flatMap((change) =>
    change.change === 'removed' ? change.before : [],
  )
  const obsolete = removed
    .reverse()
    .map((entry) => ({ ...stateOf(earlier, entry), kind: earlier.kind(entry) }))
  return { ...NO_REMOVALS, obsolete }
}

/**
 * Everything in a listed folder that a tree does not have. `isFolder` says whether the tree has a folder at a path, and null
 * where it has nothing. `blocked` are the paths that keep an obstacle from being removed.
 */
export function removalsFrom(
  { entries, kept }: Listing,
  isFolder: (path: string) => boolean | null,
): Removals & { blocked: string[] } {
  const obstacles: ListedEntry[] = []
  const obsolete: ListedEntry[] = []
  const inTheWay: string[] = []
  for (const entry of entries) {
    const wanted = isFolder(entry.path)
    const above = inTheWay.at(-1)
    if (above !== undefined && entry.path.startsWith(`${above}/`)) obstacles.push(entry)
    else if (wanted === null) obsolete.push(entry)
    else if (wanted !== (entry.kind === 'folder')) {
      obstacles.push(entry)
      inTheWay.push(entry.path)
    }
  }
  const blocked = kept.filter(
    (path) => isFolder(path) === false || inTheWay.some((above) => path.startsWith(`${above}/`)),
  )
  return {
    obstacles: obstacles.reverse(),
    obsolete: obsolete.reverse(),
    kept: kept.filter((path) => isFolder(path) === null),
    blocked,
  }
}
