import { lstatSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { ShoalError } from '../../../protocol/errors.ts'
import type { TreeIndex } from '../../../protocol/tree/tree-index.ts'
import { isSingle, type Selection, TreePlan } from '../../tree/plan.ts'
import { type FolderState, inTheWay, readFolderState } from './folder-state.ts'
import { makeParent } from './part-storage.ts'
import { type ComparisonOptions, compareFiles } from './tree-comparison.ts'
import { NO_REMOVALS, planRemovals, type Removals, withoutObstacles } from './tree-removals.ts'

export interface TreeTarget {
  /** What the download is known by: the folder, or the single file or link. */
  final: string
  /** The folder that gets the entries. */
  path: string
  /** A free path or an existing folder. */
  kind: 'new' | 'merge'
  /** Whether one file or link is selected, which goes into the folder. */
  isSingle: boolean
  /** The state of an existing folder before the download. */
  before: FolderState | null
  /** Whether it may replace any file or link. */
  force: boolean
  removals: Removals
  /** Files with the right contents, but another time or mode. */
  retimed: ReadonlySet<string>
  /** Links that are there already. */
  links: ReadonlySet<string>
}

export interface TargetOptions extends Omit<ComparisonOptions, 'earlier'> {
  /** The trees that this home has put at a path by downloads of the same name, the newest last. */
  earlier(path: string): TreeIndex[]
  /** Replaces any file or link. */
  force: boolean
}

export interface PlannedTree {
  plan: TreePlan
  target: TreeTarget
}

/**
 * Compares a target with a tree. Files of the target that have the wanted content stay; those of the earlier trees are
 * replaced. Throws PATH_IN_THE_WAY, with the paths, for other files and links unless `force`, and for a folder, FIFO or
 * device where the tree has a file or the reverse; USAGE for a mirror of one file. A single file or link goes to `path`, or
 * into the folder there.
 */
export async function planTree(
  index: TreeIndex,
  selection: Selection,
  path: string,
  options: TargetOptions,
  signal: AbortSignal,
): Promise<PlannedTree> {
  if (isSingle(index, selection)) {
    if (options.mirror) throw notAFolder(selection)
    const isInside = path.endsWith(sep) || statSync(path, { throwIfNoEntry: false })?.isDirectory()
    const final = isInside ? join(path, index.name(selection.first)) : path
    await makeParent(final)
    const named = { ...selection, name: basename(final) }
    return planMerge(index, named, dirname(final), final, options, signal)
  }
  const final = resolve(path)
  const found = lstatSync(final, { throwIfNoEntry: false })
  if (found?.isDirectory()) return planMerge(index, selection, final, final, options, signal)
  if (found)
    throw new ShoalError('PATH_IN_THE_WAY', `${final} is not a folder, but the snapshot is`, {
      hint: 'move it out of the way, or choose another place with -o',
    })
  const plan = new TreePlan(index, selection, () => true)
  return { plan, target: newTarget(final, final, options) }
}

/** The target of a tree, or of a single file, where nothing is yet. */
export function newTarget(
  final: string,
  path: string,
  { force, isSingle = false }: { force: boolean; isSingle?: boolean },
): TreeTarget {
  const nothing = {
    before: null,
    removals: NO_REMOVALS,
    retimed: new Set<string>(),
    links: new Set<string>(),
  }
  return { final, path, kind: 'new', isSingle, force, ...nothing }
}

/** Compares the existing folder `path` with the selection. */
async function planMerge(
  index: TreeIndex,
  selection: Selection,
  path: string,
  final: string,
  { force, ...options }: TargetOptions,
  signal: AbortSignal,
): Promise<PlannedTree> {
  const root = realpathSync(path)
  const comparison = { ...options, earlier: options.earlier(final) }
  const before = await readFolderState(root, index, selection, options.pool, signal)
  const removals = await planRemovals(before, selection, comparison, signal)
  const cleared = withoutObstacles(before, removals)
  const { present, retimed, links, foreign } = await compareFiles(cleared, comparison, signal)
  if (foreign.length > 0 && !force)
    throw inTheWay(`${root} has files that are no earlier download of these`, foreign, {
      hint: 'replace them with --force, or choose another place with -o',
    })
  const plan = new TreePlan(index, selection, (entry) => !present.has(entry))
  const place = { final, path: root, kind: 'merge' as const, isSingle: isSingle(index, selection) }
  return { plan, target: { ...place, before, force, removals, retimed, links } }
}

/** The changes that a plan makes in its target. */
export function changesOf({ plan, target: { removals, retimed, links } }: PlannedTree): {
  written: string[]
  retimed: string[]
  deleted: string[]
  kept: string[]
} {
  const files = new Set(plan.files())
  const written = [...plan.entries()].filter(
    ({ path, kind }) => files.has(path) || (kind === 'link' && !links.has(path)),
  )
  return {
    written: written.map(({ path }) => path),
    retimed: [...retimed],
    deleted: [...removals.obstacles, ...removals.obsolete].map(({ path }) => path),
    kept: removals.kept,
  }
}

const notAFolder = ({ path }: Selection): ShoalError =>
  new ShoalError('USAGE', `${path} is one file of the snapshot, but a mirror is a folder`, {
    hint: 'name a folder of the snapshot, or fetch the file with: shoal peer download',
  })
