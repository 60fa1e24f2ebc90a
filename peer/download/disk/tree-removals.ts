import { diff } from '../../../protocol/tree/diff.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import { ABSENT, FILE, FOLDER, LINK } from '../../tree/contents.ts'
import type { ListedEntry, Listing } from '../../tree/list.ts'
import { stateOf } from '../../tree/parts.ts'
import { isSingle, type Selection } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import { type FolderState, inTheWay } from './folder-state.ts'
import type { ComparisonOptions } from './tree-comparison.ts'

/** The entries that a download removes from the folder that it merges a tree into, the deepest first. */
export interface Removals {
  /** Removed before the tree is placed: of another kind than what the tree has there, or below such a folder. */
  obstacles: ListedEntry[]
  /** Removed last: the tree does not have it. */
  obsolete: ListedEntry[]
  /** Paths that stay, although the tree does not have them. */
  kept: string[]
}

export const NO_REMOVALS: Removals = { obstacles: [], obsolete: [], kept: [] }

/**
 * Decides what goes. Without a mirror, that is what the newest earlier tree had and this one has not; with one, everything
 * that the tree does not have, or nothing. Throws PATH_IN_THE_WAY for something of another kind that must not go.
 */
export async function planRemovals(
  folder: FolderState,
  selection: Selection,
  { earlier, mirror, pool }: ComparisonOptions,
  signal: AbortSignal,
): Promise<Removals> {
  if (mirror?.deletes) return removalsOfMirror(folder, pool, signal)
  refuseObstacles(folder, { folder: [ABSENT, FOLDER], other: [ABSENT, FILE, LINK] })
  if (mirror) {
    const kept = await leftBehind(folder, selection, earlier, pool, signal)
    return { ...NO_REMOVALS, kept }
  }
  const newest = earlier.at(-1)
  return newest ? { ...NO_REMOVALS, obsolete: obsoleteOf(newest, folder.index, selection) } : NO_REMOVALS
}

async function removalsOfMirror(folder: FolderState, pool: TreePool, signal: AbortSignal): Promise<Removals> {
  const { root, index, entries, paths } = folder
  const removable = [ABSENT, FILE, LINK, FOLDER]
  refuseObstacles(folder, { folder: removable, other: removable })
  const places = new Map(paths.map((path, i) => [path, i]))
  const { blocked, ...removals } = removalsFrom(await pool.list(root, signal), (path) => {
    const place = places.get(path)
    return place === undefined ? null : index.isFolder(entries[place]!)
  })
  if (blocked.length > 0)
    throw inTheWay(`${root} has folders in the way of files, with something that a mirror keeps`, blocked, {
      hint: 'move it out of the way',
    })
  return removals
}

/** The state that the folder will have without the obstacles. The place of a link may look like the tree's folder. */
export function withoutObstacles(folder: FolderState, { obstacles }: Removals): FolderState {
  if (obstacles.length === 0) return folder
  const { index, entries, paths, states } = folder
  const kinds = Uint8Array.from(states.kinds)
  const removed = new Set(obstacles.map(({ path }) => path))
  for (const [i, path] of paths.entries())
    if (removed.has(path)) kinds.fill(ABSENT, i, index.end(entries[i]!) - entries[0]!)
  return { ...folder, states: { ...states, kinds } }
}

/** A rename would replace a FIFO or a device like a file, and a link in the place of a folder leads out of the target. */
function refuseObstacles(
  { root, index, entries, paths, states }: FolderState,
  fitting: { folder: readonly number[]; other: readonly number[] },
): void {
  const obstacles = paths.filter((_, i) => {
    const kinds = index.isFolder(entries[i]!) ? fitting.folder : fitting.other
    return !kinds.includes(states.kinds[i]!)
  })
  if (obstacles.length > 0)
    throw inTheWay(`${root} has something of another kind at paths of the snapshot`, obstacles, {
      hint: 'move it out of the way, or choose another place with -o',
    })
}

/** Paths in the folder that earlier trees had and this one has no longer. */
async function leftBehind(
  { root, index }: FolderState,
  selection: Selection,
  earlier: readonly TreeIndex[],
  pool: TreePool,
  signal: AbortSignal,
): Promise<string[]> {
  const gone = earlier.flatMap((tree) => obsoleteOf(tree, index, selection).map(({ path }) => path))
  const paths = [...new Set(gone)]
  const { kinds } = await pool.states(root, paths, signal)
  return paths.filter((_, i) => kinds[i] !== ABSENT)
}

/** Entries of the earlier tree that the new one does not have, with paths relative to the selected folder. */
export function obsoleteOf(earlier: TreeIndex, index: TreeIndex, selection: Selection): ListedEntry[] {
  // Nothing is below a single file, even if a folder had its name.
  if (isSingle(index, selection)) return []
  const prefix = selection.path === '' ? '' : `${selection.path}/`
  const removed = [...diff(earlier, index)].flatMap((change) =>
    change.change === 'removed' && earlier.path(change.before).startsWith(prefix) ? change.before : [],
  )
  return removed.reverse().map((entry) => {
    const { path, size, mtimeNs } = stateOf(earlier, entry)
    return { path: path.slice(prefix.length), size, mtimeNs, kind: earlier.kind(entry) }
  })
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
