import { type BigIntStats, lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { EntryKind } from '../../protocol/tree/entry.ts'
import { type FolderHandles, withFolders } from './folder-handles.ts'
import { setMode, WORKING_FOLDER } from './place.ts'

/**
 * Removes a folder and everything in it, and nothing elsewhere: Node's own rm follows a folder that somebody swaps for
 * a link between its look and its listing. A link or file at the path itself is removed too. Throws a storage error.
 */
export function removeTree(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) {
    rmSync(path, { force: true })
    return
  }
  withFolders(path, (folders) => sweepFolder(folders, '', () => false))
  rmdirSync(path)
}

/** Removes from a folder what is not among `entries`, and what is of another kind. Throws a storage error. */
export function sweepTree(root: string, entries: readonly { path: string; kind: EntryKind }[]): void {
  const kinds = new Map(entries.map(({ path, kind }) => [path, kind]))
  withFolders(root, (folders) => sweepFolder(folders, '', (path, kind) => kinds.get(path) === kind))
}

function sweepFolder(
  folders: FolderHandles,
  folder: string,
  stays: (path: string, kind: EntryKind | 'other') => boolean,
): void {
  for (const name of readdirSync(folders.pathOf(join(folder, '.')))) {
    const path = join(folder, name)
    const stat = lstatSync(folders.pathOf(path), { bigint: true })
    const isKept = stays(path, kindOf(stat))
    if (stat.isDirectory()) {
      if (!isKept) setMode(folders.pathOf(path), WORKING_FOLDER)
      sweepFolder(folders, path, stays)
      if (!isKept) rmdirSync(folders.pathOf(path))
    } else if (!isKept) unlinkSync(folders.pathOf(path))
  }
}

function kindOf(stat: BigIntStats): EntryKind | 'other' {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'folder'
  return stat.isSymbolicLink() ? 'link' : 'other'
}
