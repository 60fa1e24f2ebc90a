import { lstatSync, mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ShoalError } from '../../../protocol/errors.ts'
import { isSameState } from '../../tree/contents.ts'
import { FolderHandles, withFolders } from '../../tree/folder-handles.ts'
import { isLinkTo, type Placed, WORKING_FOLDER } from '../../tree/place.ts'
import type { TreePlan } from '../../tree/plan.ts'
import type { TreePool } from '../../tree/pool.ts'
import type { Sync } from './storage.ts'
import { syncFileSystem } from './sync-file-system.ts'
import { requireUnchanged, type TreeTarget } from './tree-target.ts'

const ENTRIES_A_TURN = 500
const never = new AbortController().signal

/**
 * Moves a complete tree from its working folder into an existing folder: one entry after the other, each by a rename.
 * Last, it removes what the new tree does not have. If it is killed, every file is the old or the new one, and the
 * next run of the download finishes the merge.
 */
export async function mergeTree(
  from: string,
  plan: TreePlan,
  target: TreeTarget,
  pool: TreePool,
  sync: Sync,
): Promise<void> {
  const to = target.path
  const entries = [...plan.entries()]
  const links = withFolders(to, (folders) =>
    entries.filter(({ kind, path, target }) => kind === 'link' && !isThere(folders, path, target)),
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
  await requireUnchanged(plan, target, wanted, pool, never)
  const source = new FolderHandles(from)
  const folders = new FolderHandles(to)
  try {
    for (const [i, entry] of entries.entries()) {
      if (i % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await nextTurn()
      if (entry.kind === 'folder') makeFolder(folders, entry)
      else if (wanted.has(entry.path)) renameSync(source.pathOf(entry.path), folders.pathOf(entry.path))
    }
    for (const entry of target.obsolete) remove(folders, entry)
  } catch (error) {
    throw folders.failure(error)
  } finally {
    source.close()
    folders.close()
  }
  const rest = entries.filter(({ kind, path }) => kind === 'folder' || target.retimed.has(path))
  await pool.place(to, 'reset', rest, never)
  await sync(() => syncFileSystem(to))
}

function isThere(folders: FolderHandles, path: string, target: string): boolean {
  try {
    return isLinkTo(folders.pathOf(path), target)
  } catch (error) {
    // Its folder is not there yet.
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

/** Removes an entry of the earlier tree: a file if it is unchanged, a folder if it is empty. */
function remove(folders: FolderHandles, { path, kind, size, mtimeNs }: TreeTarget['obsolete'][number]): void {
  try {
    const place = folders.pathOf(path)
    const found = lstatSync(place, { bigint: true })
    if (kind === 'folder' && found.isDirectory()) rmdirSync(place)
    else if (kind === 'link' && found.isSymbolicLink()) unlinkSync(place)
    else if (kind === 'file' && found.isFile() && isSameState({ path, size, mtimeNs }, found))
      unlinkSync(place)
  } catch (error) {
    // Somebody removed or replaced it, or a folder above it, or put something into it: then it stays.
    if (!LEFT_ALONE.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
const LEFT_ALONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENOTEMPTY', 'EEXIST']
