import { lstatSync, mkdirSync, readlinkSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ShoalError } from '../../../protocol/errors.ts'
import { isSameState } from '../../tree/contents.ts'
import type { ListedEntry } from '../../tree/list.ts'
import { type Placed, WORKING_FOLDER } from '../../tree/place.ts'
import type { TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import type { Sync } from './storage.ts'
import { syncFileSystem } from './sync-file-system.ts'
import type { TreeTarget } from './tree-target.ts'

const ENTRIES_A_TURN = 500
const never = new AbortController().signal

/**
 * Moves a complete tree from its working folder into an existing folder: one entry after the other, each by a rename.
 * Last, it removes what the new tree does not have. If it is killed, every file is the old or the new one, and the
 * next run of the download finishes the merge. Returns the paths that it removed.
 */
export async function mergeTree(
  from: string,
  plan: TreePlan,
  target: TreeTarget,
  pool: TreePool,
  sync: Sync,
): Promise<string[]> {
  const to = target.path
  const entries = [...plan.entries()]
  const links = entries.filter(
    (entry) => entry.kind === 'link' && !(target.links.has(entry.path) && isThere(to, entry)),
  )
  await pool.place(from, 'make', links, never)
  const wanted = new Set([...plan.files(), ...links.map(({ path }) => path)])
  await pool.place(
    from,
    'finish',
    entries.filter(({ path }) => wanted.has(path)),
    never,
  )
  await sync(() => syncFileSystem(from))
  const removed = removeAll(to, target.removals.obstacles)
  for (const [i, entry] of entries.entries()) {
    if (i % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await nextTurn()
    if (entry.kind === 'folder') makeFolder(to, entry)
    else if (wanted.has(entry.path)) renameSync(join(from, entry.path), join(to, entry.path))
  }
  removed.push(...removeAll(to, target.removals.obsolete))
  const rest = entries.filter(({ kind, path }) => kind === 'folder' || target.retimed.has(path))
  await pool.place(to, 'reset', rest, never)
  await sync(() => syncFileSystem(to))
  return removed
}

const isThere = (root: string, { path, target }: Placed): boolean => {
  const found = lstatSync(join(root, path), { throwIfNoEntry: false })
  return found?.isSymbolicLink() === true && readlinkSync(join(root, path)) === target
}

function makeFolder(root: string, { path, mode }: Placed): void {
  const absolute = join(root, path)
  const found = lstatSync(absolute, { throwIfNoEntry: false })
  if (!found) mkdirSync(absolute, { mode: mode | WORKING_FOLDER })
  else if (!found.isDirectory())
    throw new ShoalError(
      'PATH_IN_THE_WAY',
      `${absolute} is not a folder, but the snapshot has a folder there`,
      {
        hint: 'move it out of the way, or choose another place with -o',
      },
    )
}

const removeAll = (root: string, entries: readonly ListedEntry[]): string[] =>
  entries.filter((entry) => remove(root, entry)).map(({ path }) => path)

/** Removes an entry in the state that is known of it: a file if it is unchanged, a folder if it is empty. */
function remove(root: string, { path, kind, size, mtimeNs }: ListedEntry): boolean {
  const absolute = join(root, path)
  const found = lstatSync(absolute, { bigint: true, throwIfNoEntry: false })
  if (!found || lstatSync(dirname(absolute), { throwIfNoEntry: false })?.isSymbolicLink()) return false
  if (kind === 'folder' && found.isDirectory()) return removeEmpty(absolute)
  const isSame =
    kind === 'link'
      ? found.isSymbolicLink()
      : kind === 'file' && found.isFile() && isSameState({ path, size, mtimeNs }, found)
  if (isSame) unlinkSync(absolute)
  return isSame
}

function removeEmpty(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    return false
  }
}
