import { lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { HASH_SIZE } from '../../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../../protocol/errors.ts'
import { findExact } from '../../../protocol/tree/listing.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import { ABSENT, FILE, type FileState, FOLDER, isSameState, LINK, type States } from '../../tree/contents.ts'
import { pathInSelection, type Selection, TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import { NO_REMOVALS, type Removals, removalsAfter, removalsFrom } from './tree-removals.ts'

export interface TreeTarget {
  path: string
  /** A free path, an existing folder, or the path of one file or link. */
  kind: 'new' | 'merge' | 'single'
  removals: Removals
  /** Files with the right contents, but another time or mode. */
  retimed: ReadonlySet<string>
  /** Of a mirror: links that are there already. */
  links: ReadonlySet<string>
}

export interface Comparison {
  /** Trees that this home has put there. */
  earlier: readonly TreeIndex[]
  pool: TreePool
  /** Replaces any file or link. */
  force: boolean
  /** Set for a mirror: files that `earlier` trees have are replaced even if they changed since. */
  mirror: {
    /** Hashes every file, instead of trusting those of the right size and time. */
    checksum: boolean
    /** Removes what the tree does not have. */
    deletes: boolean
    /** Trees of updates that did not end: files of theirs may be there. */
    begun: readonly TreeIndex[]
  } | null
}

/** Most paths that a message lists. */
const MAX_LISTED = 5
const TASK_FILES = 200

/**
 * Compares a target with a tree. Files of the target that have the wanted content stay; those of the `earlier` trees are
 * replaced. Throws PATH_IN_THE_WAY, with the paths, for other files and links unless `force`, and for a folder, FIFO or
 * device where the tree has a file or the reverse; USAGE for a mirror of one file.
 */
export async function planTree(
  index: TreeIndex,
  selection: Selection,
  path: string,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<{ plan: TreePlan; target: TreeTarget }> {
  const { earlier, pool, force, mirror } = comparison
  const isSingle =
    selection.end - selection.first === 1 &&
    index.path(selection.first) === selection.path &&
    !index.isFolder(selection.first)
  if (isSingle && mirror)
    throw new ShoalError('USAGE', `${selection.path} is one file of the snapshot, but a mirror is a folder`, {
      hint: 'name a folder of the snapshot, or fetch the file with: shoal peer download',
    })
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (isSingle || !found) {
    const kind = isSingle ? 'single' : 'new'
    const plan = new TreePlan(index, selection, () => true)
    return {
      plan,
      target: { path, kind, removals: NO_REMOVALS, retimed: new Set(), links: new Set() },
    }
  }
  if (!found.isDirectory())
    throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a folder, but the snapshot is`, {
      hint: 'move it out of the way, or choose another place with -o',
    })
  const root = realpathSync(path)
  // A selected folder is the target itself.
  const first = selection.path === '' ? selection.first : selection.first + 1
  const entries = Array.from({ length: selection.end - first }, (_, i) => first + i)
  const paths = entries.map((entry) => pathInSelection(index, selection, entry))
  const states = await pool.states(root, paths, signal)
  const removals = await removalsOf(index, entries, root, paths, states, selection, comparison, signal)
  const placed = [...earlier, ...(mirror?.begun ?? [])]
  const present = new Set<number>()
  const retimed = new Set<string>()
  const links = new Set<string>()
  const doubtful: number[] = []
  const foreign: string[] = []
  const wasHere = (tree: TreeIndex, path: string): boolean => {
    const entry = findExact(tree, path)
    return entry !== null && entry >= 0 && !tree.isFolder(entry)
  }
  const refuse = (i: number): void => {
    const isRepaired = mirror !== null && earlier.some((tree) => wasHere(tree, index.path(entries[i]!)))
    if (!isRepaired) foreign.push(paths[i]!)
  }
  for (const [i, entry] of entries.entries()) {
    const kind = index.kind(entry)
    if (states.kinds[i] === ABSENT || kind === 'folder') continue
    if (kind === 'link') {
      const now = states.kinds[i] === LINK ? readlinkSync(join(root, paths[i]!)) : null
      if (now === index.target(entry)) links.add(paths[i]!)
      else if (!placed.some((tree) => now !== null && now === linkTarget(tree, index.path(entry)))) refuse(i)
      continue
    }
    const known = mirror ? [...placed, index] : placed
    const old = mirror?.checksum ? null : findUntouched(known, index.path(entry), states, i)
    if (old?.sha256.equals(index.sha256(entry))) {
      present.add(entry)
      const isMode = mirror ? hasMode(index, entry, states, i) : old.mode === index.mode(entry)
      if (!isMode || !isUntouched(index, entry, states, i)) retimed.add(paths[i]!)
    } else if (!old) doubtful.push(i)
  }
  for (const i of await hashDoubtful(index, root, entries, paths, states, doubtful, pool, signal)) {
    const isFinished =
      mirror && isUntouched(index, entries[i]!, states, i) && hasMode(index, entries[i]!, states, i)
    present.add(entries[i]!)
    if (!isFinished) retimed.add(paths[i]!)
  }
  for (const i of doubtful) if (!present.has(entries[i]!)) refuse(i)
  if (foreign.length > 0 && !force)
    throw inTheWay(`${root} has files that are no earlier download of these`, foreign, {
      hint: 'replace them with --force, or choose another place with -o',
    })
  const plan = new TreePlan(index, selection, (entry) => !present.has(entry))
  return { plan, target: { path: root, kind: 'merge', removals, retimed, links } }
}

/** The changes that a plan stands for. */
export function changesOf(
  plan: TreePlan,
  { removals, retimed, links }: TreeTarget,
): { written: string[]; retimed: string[]; deleted: string[]; kept: string[] } {
  const entries = [...plan.entries()]
  const files = new Set(plan.files())
  const isWritten = ({ path, kind }: (typeof entries)[number]): boolean =>
    files.has(path) || (kind === 'link' && !links.has(path))
  return {
    written: entries.filter(isWritten).map(({ path }) => path),
    retimed: [...retimed],
    deleted: [...removals.obstacles, ...removals.obsolete].map(({ path }) => path),
    kept: removals.kept,
  }
}

function linkTarget(tree: TreeIndex, path: string): string | null {
  const entry = findExact(tree, path)
  return entry !== null && entry >= 0 && tree.kind(entry) === 'link' ? tree.target(entry) : null
}

/** The file of one of the trees that is at the path, unchanged. */
function findUntouched(
  trees: readonly TreeIndex[],
  path: string,
  states: States,
  i: number,
): { sha256: Buffer; mode: number } | null {
  for (const tree of trees) {
    const entry = findExact(tree, path)
    if (entry !== null && entry >= 0 && isUntouched(tree, entry, states, i))
      return { sha256: tree.sha256(entry), mode: tree.mode(entry) }
  }
  return null
}

/** Whether a file has the mode of the tree, under the umask. */
const hasMode = (tree: TreeIndex, entry: number, { modes }: States, i: number): boolean =>
  modes[i] === (tree.mode(entry) & ~process.umask())

/** Throws PATH_IN_THE_WAY for what the download must not remove. Counts files in the way of folders as absent. */
async function removalsOf(
  index: TreeIndex,
  entries: readonly number[],
  root: string,
  paths: readonly string[],
  states: States,
  selection: Selection,
  { earlier, pool, mirror }: Comparison,
  signal: AbortSignal,
): Promise<Removals> {
  if (!mirror?.deletes) {
    const fitting = { folder: [ABSENT, FOLDER], other: [ABSENT, FILE, LINK] }
    refuseObstacles(index, entries, root, paths, states, fitting)
    if (mirror)
      return { ...NO_REMOVALS, kept: await leftBehind(index, root, selection, earlier, pool, signal) }
    const newest = selection.path === '' ? earlier.at(-1) : undefined
    return newest ? removalsAfter(newest, index) : NO_REMOVALS
  }
  const removable = [ABSENT, FILE, LINK, FOLDER]
  refuseObstacles(index, entries, root, paths, states, { folder: removable, other: removable })
  const places = new Map(paths.map((path, i) => [path, i]))
  const listing = await pool.list(root, signal).catch((error: unknown) => {
    throw storageError(error, root)
  })
  const { blocked, ...removals } = removalsFrom(listing, (path) => {
    const place = places.get(path)
    return place === undefined ? null : index.isFolder(entries[place]!)
  })
  if (blocked.length > 0)
    throw inTheWay(`${root} has folders in the way of files, with something that a mirror keeps`, blocked, {
      hint: 'move it out of the way',
    })
  for (const { path } of removals.obstacles) {
    // What is behind a link in the place of a folder is not in the target.
    const place = places.get(path)
    if (place !== undefined) states.kinds.fill(ABSENT, place, index.end(entries[place]!) - entries[0]!)
  }
  return removals
}

/** Paths in the folder that earlier trees had and this one has no longer. */
async function leftBehind(
  index: TreeIndex,
  root: string,
  { path: selected }: Selection,
  earlier: readonly TreeIndex[],
  pool: TreePool,
  signal: AbortSignal,
): Promise<string[]> {
  const above = selected === '' ? '' : `${selected}/`
  const gone = earlier.flatMap((tree) => removalsAfter(tree, index).obsolete.map(({ path }) => path))
  const inside = [...new Set(gone)].filter((path) => path.startsWith(above))
  const paths = inside.map((path) => path.slice(above.length))
  const { kinds } = await pool.states(root, paths, signal)
  return paths.filter((_, i) => kinds[i] !== ABSENT)
}

/** A rename would replace a FIFO or a device like a file, and a link in the place of a folder leads out of the target. */
function refuseObstacles(
  index: TreeIndex,
  entries: readonly number[],
  root: string,
  paths: readonly string[],
  { kinds }: States,
  fitting: { folder: readonly number[]; other: readonly number[] },
): void {
  const obstacles = paths.filter(
    (_, i) => !(index.isFolder(entries[i]!) ? fitting.folder : fitting.other).includes(kinds[i]!),
  )
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

/** Hashes those of the `doubtful` files that have the right length. Returns those with the wanted content. */
async function hashDoubtful(
  index: TreeIndex,
  root: string,
  entries: readonly number[],
  paths: readonly string[],
  { kinds, sizes, times }: States,
  doubtful: readonly number[],
  pool: TreePool,
  signal: AbortSignal,
): Promise<number[]> {
  const alike = doubtful.filter((i) => kinds[i] === FILE && sizes[i] === index.size(entries[i]!))
  const same: number[] = []
  for (let at = 0; at < alike.length; at += TASK_FILES) {
    const slice = alike.slice(at, at + TASK_FILES)
    const wanted = slice.map((i): FileState => ({ path: paths[i]!, size: sizes[i]!, mtimeNs: times[i]! }))
    const { files: hashes } = await pool.hashFiles(root, wanted, signal).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ESTALE') throw storageError(error, root)
      throw new ShoalError('FILE_CHANGED', `${root}: ${(error as Error).message}`, {
        hint: 'run the command again once nothing writes to the folder',
      })
    })
    for (const [k, i] of slice.entries())
      if (index.sha256(entries[i]!).equals(hashes.subarray(k * HASH_SIZE, (k + 1) * HASH_SIZE))) same.push(i)
  }
  return same
}

function inTheWay(sentence: string, paths: readonly string[], options: { hint: string }): ShoalError {
  const more = paths.length > MAX_LISTED ? ` and ${paths.length - MAX_LISTED} more` : ''
  return new ShoalError(
    'PATH_IN_THE_WAY',
    `${sentence}: ${paths.slice(0, MAX_LISTED).join(', ')}${more}`,
    options,
  )
}
