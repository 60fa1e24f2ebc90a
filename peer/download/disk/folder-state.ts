import { firstOf, ShoalError } from '../../../protocol/errors.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import { ABSENT, FILE, isSameState, LINK, type States } from '../../tree/contents.ts'
import { entriesIn, pathInSelection, type Selection } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'

/** Most paths that a message lists. */
const MAX_LISTED = 5

/** The state of an existing folder at the paths of a selection. All columns are in the order of `entries`. */
export interface FolderState {
  /** A real path. */
  root: string
  index: TreeIndex
  /** Consecutive. */
  entries: readonly number[]
  /** Relative to the root. */
  paths: readonly string[]
  states: States
}

export async function readFolderState(
  root: string,
  index: TreeIndex,
  selection: Selection,
  pool: TreePool,
  signal: AbortSignal,
): Promise<FolderState> {
  const entries = entriesIn(index, selection)
  const paths = entries.map((entry) => pathInSelection(index, selection, entry))
  return { root, index, entries, paths, states: await pool.states(root, paths, signal) }
}

/** Whether the file at place `i` of the columns is as `tree` has it. */
export function isUntouched(
  tree: TreeIndex,
  entry: number,
  { kinds, sizes, times }: States,
  i: number,
): boolean {
  const state = { path: '', size: tree.size(entry), mtimeNs: tree.mtimeNs(entry) }
  return (
    tree.kind(entry) === 'file' &&
    kinds[i] === FILE &&
    isSameState(state, { size: BigInt(sizes[i]!), mtimeNs: times[i]! })
  )
}

/**
 * Throws PATH_IN_THE_WAY where somebody has made or written a file since, at one of the `wanted` paths. With `force`, any
 * file or link may be there.
 */
export async function requireUnchanged(
  { root, paths, states: before }: FolderState,
  force: boolean,
  wanted: ReadonlySet<string>,
  pool: TreePool,
  signal: AbortSignal,
): Promise<void> {
  const places = paths.flatMap((path, i) => (wanted.has(path) ? i : []))
  const names = places.map((i) => paths[i]!)
  const now = await pool.states(root, names, signal)
  const isSame = (i: number, k: number): boolean =>
    now.kinds[k] === before.kinds[i] && now.sizes[k] === before.sizes[i] && now.times[k] === before.times[i]
  const mayGo = (k: number): boolean => force && [ABSENT, FILE, LINK].includes(now.kinds[k]!)
  const changed = names.filter((_, k) => !isSame(places[k]!, k) && !mayGo(k))
  if (changed.length > 0)
    throw inTheWay(`somebody changed files in ${root} during the download`, changed, {
      hint: 'move them out of the way, or replace them with --force, and run the command again',
    })
}

export function inTheWay(sentence: string, paths: readonly string[], options: { hint: string }): ShoalError {
  return new ShoalError('PATH_IN_THE_WAY', `${sentence}: ${firstOf(paths, MAX_LISTED)}`, options)
}
