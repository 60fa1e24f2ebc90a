import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { HASH_SIZE } from '../../../protocol/chunking.ts'
import { firstOf, ShoalError } from '../../../protocol/errors.ts'
import { diff } from '../../../protocol/tree/diff.ts'
import type { EntryKind } from '../../../protocol/tree/entry.ts'
import { findExact } from '../../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import { ABSENT, FILE, type FileState, FOLDER, isSameState, LINK, type States } from '../../tree/contents.ts'
import { stateOf } from '../../tree/parts.ts'
import { isSingle, pathInSelection, type Selection, TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import { makeParent } from './part-storage.ts'

export interface TreeTarget {
  /** What the download is known by: the folder, or the single file or link. */
  final: string
  /** The folder that gets the entries. */
  path: string
  /** A free path or an existing folder. */
  kind: 'new' | 'merge'
  /** Whether one file or link is selected, which goes into the folder. */
  isSingle: boolean
  /** What was in an existing folder at the paths of the selection, in order. */
  before: States | null
  /** Whether it may replace any file or link. */
  force: boolean
  /** Entries of the earlier tree that the new one does not have, the deepest first. */
  obsolete: { path: string; kind: EntryKind; size: number; mtimeNs: bigint }[]
  /** Files with the right contents, but another time or mode. */
  retimed: ReadonlySet<string>
}

export interface TargetOptions {
  /** The tree that this home has put at a path by a download of the same name. */
  earlier(path: string): TreeIndex | null
  pool: TreePool
  force: boolean
}

/** Most paths that a message lists. */
const MAX_LISTED = 5
const TASK_FILES = 200

/**
 * Compares a target with a tree. Files of the target that have the wanted content stay; those of the earlier tree are
 * replaced. Throws PATH_IN_THE_WAY, with the paths, for other files and links unless `force`, and for a folder, FIFO or
 * device where the tree has a file or the reverse. A single file or link goes to `path`, or into the folder there.
 */
export async function planTree(
  index: TreeIndex,
  selection: Selection,
  path: string,
  options: TargetOptions,
  signal: AbortSignal,
): Promise<{ plan: TreePlan; target: TreeTarget }> {
  if (isSingle(index, selection)) {
    const isInside = path.endsWith(sep) || statSync(path, { throwIfNoEntry: false })?.isDirectory()
    const final = isInside ? join(path, index.name(selection.first)) : path
    await makeParent(final)
    const named = { ...selection, name: basename(final) }
    return compare(index, named, dirname(final), final, options, signal)
  }
  const final = resolve(path)
  const found = lstatSync(final, { throwIfNoEntry: false })
  if (found?.isDirectory()) return compare(index, selection, final, final, options, signal)
  if (found)
    throw new ShoalError('PATH_IN_THE_WAY', `${final} is not a folder, but the snapshot is`, {
      hint: 'move it out of the way, or choose another place with -o',
    })
  const plan = new TreePlan(index, selection, () => true)
  const { force } = options
  return {
    plan,
    target: {
      final,
      path: final,
      kind: 'new',
      isSingle: false,
      before: null,
      force,
      obsolete: [],
      retimed: new Set(),
    },
  }
}

/** Compares an existing folder with the selection. */
async function compare(
  index: TreeIndex,
  selection: Selection,
  folder: string,
  final: string,
  { earlier: earlierAt, pool, force }: TargetOptions,
  signal: AbortSignal,
): Promise<{ plan: TreePlan; target: TreeTarget }> {
  const root = realpathSync(folder)
  const earlier = earlierAt(final)
  const entries = Array.from({ length: selection.end - selection.first }, (_, i) => selection.first + i)
  const paths = entries.map((entry) => pathInSelection(index, selection, entry))
  const states = await pool.states(root, paths, signal)
  refuseObstacles(index, entries, root, paths, states)
  const present = new Set<number>()
  const retimed = new Set<string>()
  const doubtful: number[] = []
  const foreignLinks: string[] = []
  for (const [i, entry] of entries.entries()) {
    const kind = index.kind(entry)
    if (states.kinds[i] === ABSENT || kind === 'folder') continue
    const old = earlier && findExact(earlier, index.path(entry))
    if (kind === 'link') {
      const targets = [index.target(entry), ...(earlier && isLink(earlier, old) ? [earlier.target(old)] : [])]
      const isOurs = states.kinds[i] === LINK && targets.includes(readlinkSync(join(root, paths[i]!)))
      if (!isOurs) foreignLinks.push(paths[i]!)
      continue
    }
    const isOurs = earlier !== null && old !== null && old >= 0 && isUntouched(earlier, old, states, i)
    if (isOurs && earlier.sha256(old).equals(index.sha256(entry))) {
      present.add(entry)
      const isFinished = earlier.mode(old) === index.mode(entry) && isUntouched(index, entry, states, i)
      if (!isFinished) retimed.add(paths[i]!)
    } else if (!isOurs) doubtful.push(i)
  }
  const foreign = await hashDoubtful(index, root, entries, paths, states, doubtful, pool, signal, (i) => {
    present.add(entries[i]!)
    retimed.add(paths[i]!)
  })
  foreign.push(...foreignLinks)
  if (foreign.length > 0 && !force)
    throw inTheWay(`${root} has files that are no earlier download of these`, foreign, {
      hint: 'replace them with --force, or choose another place with -o',
    })
  const plan = new TreePlan(index, selection, (entry) => !present.has(entry))
  const obsolete = earlier ? obsoleteOf(earlier, index, selection) : []
  return {
    plan,
    target: {
      final,
      path: root,
      kind: 'merge',
      isSingle: isSingle(index, selection),
      before: states,
      force,
      obsolete,
      retimed,
    },
  }
}

const isLink = (tree: TreeIndex, entry: number | null): entry is number =>
  entry !== null && entry >= 0 && tree.kind(entry) === 'link'

/** A rename would replace a FIFO or a device like a file, and a link in the place of a folder leads out of the target. */
function refuseObstacles(
  index: TreeIndex,
  entries: readonly number[],
  root: string,
  paths: readonly string[],
  { kinds }: States,
): void {
  const obstacles = paths.filter((_, i) => {
    const fitting = index.isFolder(entries[i]!) ? [ABSENT, FOLDER] : [ABSENT, FILE, LINK]
    return !fitting.includes(kinds[i]!)
  })
  if (obstacles.length > 0)
    throw inTheWay(`${root} has something of another kind at paths of the snapshot`, obstacles, {
      hint: 'move it out of the way, or choose another place with -o',
    })
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

/** Hashes files of the right length. Calls `same` for those with the wanted content, and returns the other paths. */
async function hashDoubtful(
  index: TreeIndex,
  root: string,
  entries: readonly number[],
  paths: readonly string[],
  { kinds, sizes, times }: States,
  doubtful: readonly number[],
  pool: TreePool,
  signal: AbortSignal,
  same: (i: number) => void,
): Promise<string[]> {
  const foreign: string[] = []
  const alike = doubtful.filter((i) => {
    const isAlike = kinds[i] === FILE && sizes[i] === index.size(entries[i]!)
    if (!isAlike) foreign.push(paths[i]!)
    return isAlike
  })
  for (let at = 0; at < alike.length; at += TASK_FILES) {
    const slice = alike.slice(at, at + TASK_FILES)
    const wanted = slice.map((i): FileState => ({ path: paths[i]!, size: sizes[i]!, mtimeNs: times[i]! }))
    const { files: hashes } = await pool.hashFiles(root, wanted, signal)
    for (const [k, i] of slice.entries())
      if (index.sha256(entries[i]!).equals(hashes.subarray(k * HASH_SIZE, (k + 1) * HASH_SIZE))) same(i)
      else foreign.push(paths[i]!)
  }
  return foreign
}

function obsoleteOf(earlier: TreeIndex, index: TreeIndex, { path }: Selection): TreeTarget['obsolete'] {
  const prefix = path === '' ? '' : `${path}/`
  const removed = [...diff(earlier, index)].flatMap((change) =>
    change.change === 'removed' && earlier.path(change.before).startsWith(prefix) ? change.before : [],
  )
  return removed.reverse().map((entry) => {
    const { path, size, mtimeNs } = stateOf(earlier, entry)
    return { path: path.slice(prefix.length), size, mtimeNs, kind: earlier.kind(entry) }
  })
}

/** Throws PATH_IN_THE_WAY where somebody has made or written a file meanwhile at one of the `wanted` paths of the plan. */
export async function requireUnchanged(
  { index, selection }: TreePlan,
  { path: root, before, force }: TreeTarget,
  wanted: ReadonlySet<string>,
  pool: TreePool,
  signal: AbortSignal,
): Promise<void> {
  const paths = Array.from({ length: selection.end - selection.first }, (_, i) =>
    pathInSelection(index, selection, selection.first + i),
  )
  const places = paths.flatMap((path, i) => (wanted.has(path) ? i : []))
  const names = places.map((i) => paths[i]!)
  const now = await pool.states(root, names, signal)
  const isSame = (i: number, k: number): boolean =>
    before !== null &&
    now.kinds[k] === before.kinds[i] &&
    now.sizes[k] === before.sizes[i] &&
    now.times[k] === before.times[i]
  const mayGo = (k: number): boolean => force && [ABSENT, FILE, LINK].includes(now.kinds[k]!)
  const changed = names.filter((_, k) => !isSame(places[k]!, k) && !mayGo(k))
  if (changed.length > 0)
    throw inTheWay(`somebody changed files in ${root} during the download`, changed, {
      hint: 'move them out of the way, or replace them with --force, and run the command again',
    })
}

function inTheWay(sentence: string, paths: readonly string[], options: { hint: string }): ShoalError {
  return new ShoalError('PATH_IN_THE_WAY', `${sentence}: ${firstOf(paths, MAX_LISTED)}`, options)
}
