import { lstatSync, realpathSync } from 'node:fs'
import { HASH_SIZE } from '../../../protocol/chunking.ts'
import { ShoalError } from '../../../protocol/errors.ts'
import type { EntryKind } from '../../../protocol/tree/entry.ts'
import { findExact } from '../../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import { ABSENT, FILE, type FileState, isSameState, type States } from '../../tree/contents.ts'
import { type Selection, TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'

/** Where a tree goes. */
export interface TreeTarget {
  path: string
  /** A free path; a folder that exists; or the path of one file or link. */
  kind: 'new' | 'merge' | 'single'
  /** Entries of the earlier tree that the new one does not have, the deepest first. */
  obsolete: { path: string; kind: EntryKind; size: number; mtimeNs: bigint }[]
  /** Files whose contents are right and whose time or mode is not. */
  retimed: ReadonlySet<string>
}

/** Paths that one message names. */
const NAMED = 5
/** Files that one task hashes. */
const TASK_FILES = 200

/**
 * Compares a target with a tree. Files of the target that have the wanted content stay; those of `earlier`, the tree that
 * this home has put there, are replaced. Throws PATH_IN_THE_WAY, with the paths, for others unless `force`, and for what
 * is not a folder.
 */
export async function planTree(
  index: TreeIndex,
  selection: Selection,
  path: string,
  { earlier, pool, force }: { earlier: TreeIndex | null; pool: TreePool; force: boolean },
  signal: AbortSignal,
): Promise<{ plan: TreePlan; target: TreeTarget }> {
  const isSingle =
    selection.end - selection.first === 1 &&
    index.path(selection.first) === selection.path &&
    !index.isFolder(selection.first)
  const found = lstatSync(path, { throwIfNoEntry: false })
  const everything = new TreePlan(index, selection, () => true)
  const none = { obsolete: [], retimed: new Set<string>() }
  if (isSingle) return { plan: everything, target: { path, kind: 'single', ...none } }
  if (!found) return { plan: everything, target: { path, kind: 'new', ...none } }
  if (!found.isDirectory())
    throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a folder, and the snapshot is one`, {
      hint: 'move it out of the way, or choose another place with -o',
    })
  const root = realpathSync(path)
  const files: number[] = []
  for (let entry = selection.first; entry < selection.end; entry++)
    if (index.kind(entry) === 'file') files.push(entry)
  const paths = files.map((entry) => everything.pathOf(entry))
  const states = await pool.states(root, paths, signal)
  const present = new Set<number>()
  const retimed = new Set<string>()
  const doubtful: number[] = []
  for (const [i, entry] of files.entries()) {
    if (states.kinds[i] === ABSENT) continue
    const old = earlier && findExact(earlier, index.path(entry))
    const isOurs = earlier !== null && old !== null && old >= 0 && isUntouched(earlier, old, states, i)
    if (isOurs && earlier.sha256(old).equals(index.sha256(entry))) {
      present.add(entry)
      const isFinished = earlier.mode(old) === index.mode(entry) && isUntouched(index, entry, states, i)
      if (!isFinished) retimed.add(paths[i]!)
    } else if (!isOurs) doubtful.push(i)
  }
  const foreign = await hashDoubtful(index, root, files, paths, states, doubtful, pool, signal, (i) => {
    present.add(files[i]!)
    retimed.add(paths[i]!)
  })
  if (foreign.length > 0 && !force) throw inTheWay(root, foreign)
  const plan = new TreePlan(index, selection, (entry) => !present.has(entry))
  const obsolete = earlier && selection.path === '' ? obsoleteOf(earlier, index) : []
  return { plan, target: { path: root, kind: 'merge', obsolete, retimed } }
}

/** Whether the file is as `tree` has it. */
function isUntouched(tree: TreeIndex, entry: number, { kinds, sizes, times }: States, i: number): boolean {
  const state = { path: '', size: tree.size(entry), mtimeNs: tree.mtimeNs(entry) }
  return (
    tree.kind(entry) === 'file' &&
    kinds[i] === FILE &&
    isSameState(state, { size: BigInt(sizes[i]!), mtimeNs: times[i]! })
  )
}

/** Hashes files of the right length; calls `same` for those with the wanted content, and returns the paths of the others. */
async function hashDoubtful(
  index: TreeIndex,
  root: string,
  files: readonly number[],
  paths: readonly string[],
  { kinds, sizes, times }: States,
  doubtful: readonly number[],
  pool: TreePool,
  signal: AbortSignal,
  same: (i: number) => void,
): Promise<string[]> {
  const foreign: string[] = []
  const alike = doubtful.filter((i) => {
    const isAlike = kinds[i] === FILE && sizes[i] === index.size(files[i]!)
    if (!isAlike) foreign.push(paths[i]!)
    return isAlike
  })
  for (let at = 0; at < alike.length; at += TASK_FILES) {
    const slice = alike.slice(at, at + TASK_FILES)
    const wanted = slice.map((i): FileState => ({ path: paths[i]!, size: sizes[i]!, mtimeNs: times[i]! }))
    const { files: hashes } = await pool.hashFiles(root, wanted, signal)
    for (const [k, i] of slice.entries())
      if (index.sha256(files[i]!).equals(hashes.subarray(k * HASH_SIZE, (k + 1) * HASH_SIZE))) same(i)
      else foreign.push(paths[i]!)
  }
  return foreign
}

function obsoleteOf(earlier: TreeIndex, index: TreeIndex): TreeTarget['obsolete'] {
  const obsolete: TreeTarget['obsolete'] = []
  for (let entry = earlier.count - 1; entry >= 0; entry--) {
    const path = earlier.path(entry)
    if (findExact(index, path) !== null) continue
    obsolete.push({
      path,
      kind: earlier.kind(entry),
      size: earlier.size(entry),
      mtimeNs: earlier.mtimeNs(entry),
    })
  }
  return obsolete
}

function inTheWay(root: string, paths: readonly string[]): ShoalError {
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ''
  return new ShoalError(
    'PATH_IN_THE_WAY',
    `${root} has files that are no earlier download of these: ${paths.slice(0, NAMED).join(', ')}${more}`,
    { hint: 'replace them with --force, or choose another place with -o' },
  )
}
