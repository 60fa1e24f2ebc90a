import { lstatSync, mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ShoalError } from '../../../protocol/errors.ts'
import { isSameState } from '../../tree/contents.ts'
import { FolderHandles, withFolders } from '../../tree/folder-handles.ts'
import type { ListedEntry } from '../../tree/list.ts'
import { isLinkTo, type Placed, WORKING_FOLDER } from '../../tree/place.ts'
import type { TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import { requireUnchanged } from './folder-state.ts'
import type { Sync } from './storage.ts'
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
  const { path: to, before, force, removals, retimed } = target
  const entries = [...plan.entries()]
  const links = withFolders(to, (folders) =>
    entries.filter(
      (entry) => entry.kind === 'link' && !(target.links.has(entry.path) && isThere(folders, entry)),
    ),
  )
  await pool.place(from, 'make', links, never)
  const wanted = new Set([...plan.files(), ...links.map(({ path }) => path)])
  await pool.place(
    from,
    'finish',
    entries.filter(({ path }) => wanted.has(path)),
    never,
  )
  await sync(() => pool.sync(from))
  if (before) await requireUnchanged(before, force, wanted, pool, never)
  const source = new FolderHandles(from)
  const folders = new FolderHandles(to)
  const removed: string[] = []
  try {
    removed.push(...removeAll(folders, removals.obstacles))
    for (const [i, entry] of entries.entries()) {
      if (i % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await nextTurn()
      if (entry.kind === 'folder') makeFolder(folders, entry)
      else if (wanted.has(entry.path)) moveEntry(source, folders, entry)
    }
    removed.push(...removeAll(folders, removals.obsolete))
  } catch (error) {
    throw folders.failure(error)
  } finally {
    source.close()
    folders.close()
  }
  const rest = entries.filter(({ kind, path }) => kind === 'folder' || retimed.has(path))
  await pool.place(to, 'reset', rest, never)
  await sync(() => pool.sync(to))
  return removed
}

function isThere(folders: FolderHandles, { path, target }: Placed): boolean {
  try {
    return isLinkTo(folders.pathOf(path), target)
  } catch (error) {
    // Somebody removed its folder.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function makeFolder(folders: FolderHandles, { path, mode }: Placed): void {
  const place = folders.pathOf(path)
  const found = lstatSync(place, { throwIfNoEntry: false })
  if (!found) mkdirSync(place, { mode: mode | WORKING_FOLDER })
  else if (!found.isDirectory())
    throw new ShoalError(
      'PATH_IN_THE_WAY',
      `${folders.latest} is not a folder, but the snapshot has a folder there`,
      { hint: 'move it out of the way, or choose another place with -o' },
    )
}

function moveEntry(source: FolderHandles, folders: FolderHandles, { path }: Placed): void {
  try {
    renameSync(source.pathOf(path), folders.pathOf(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error
    throw new ShoalError(
      'PATH_IN_THE_WAY',
      `${folders.latest} is a folder, but the snapshot has none there`,
      { hint: 'move it out of the way, or choose another place with -o' },
    )
  }
}

/** Returns the paths that it removed. */
const removeAll = (folders: FolderHandles, entries: readonly ListedEntry[]): string[] =>
  entries.filter((entry) => remove(folders, entry)).map(({ path }) => path)

/** Removes an entry in its known state: a file if it is unchanged, a folder if it is empty. Returns whether it did. */
function remove(folders: FolderHandles, { path, kind, size, mtimeNs }: ListedEntry): boolean {
  try {
    const place = folders.pathOf(path)
    const found = lstatSync(place, { bigint: true })
    if (kind === 'folder' && found.isDirectory()) rmdirSync(place)
    else if (kind === 'link' && found.isSymbolicLink()) unlinkSync(place)
    else if (kind === 'file' && found.isFile() && isSameState({ path, size, mtimeNs }, found))
      unlinkSync(place)
    else return false
    return true
  } catch (error) {
    // Somebody removed or replaced it, or a folder above it, or put something into it: then it stays.
    if (LEFT_ALONE.includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
const LEFT_ALONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENOTEMPTY', 'EEXIST']
