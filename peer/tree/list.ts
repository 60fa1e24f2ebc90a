import { type BigIntStats, lstatSync, readdirSync } from 'node:fs'
import { isMirrorMarker, isWorkingName } from '../../protocol/names.ts'
import type { EntryKind } from '../../protocol/tree/entry.ts'
import { compareNames } from '../../protocol/tree/paths.ts'
import { type FolderHandles, withFolders } from './folder-handles.ts'

/** An entry of a folder, in the state in which it may be removed. */
export interface ListedEntry {
  /** Relative, with slashes. */
  path: string
  kind: EntryKind
  size: number
  mtimeNs: bigint
}

export interface Listing {
  /** In the order of a tree. */
  entries: ListedEntry[]
  /** Never removed: FIFOs, sockets, devices, folders of other mirrors or without permission, other downloads under way. */
  kept: string[]
}

/**
 * Everything below a folder, whatever its ignore files say, except what a mirror keeps directly in it: its marker, and the
 * working folder of its download. Links are not followed. Throws a storage error if the folder itself cannot be read.
 */
export function listFolder(root: string): Listing {
  const found: Listing = { entries: [], kept: [] }
  withFolders(root, (folders) => {
    const names = readdirSync(folders.pathOf('.'))
    const listed = names.filter((name) => !isMirrorMarker(name) && !isWorkingName(name))
    listNames(folders, '', listed, found)
  })
  return found
}

function listNames(folders: FolderHandles, folder: string, names: readonly string[], found: Listing): void {
  for (const name of [...names].sort(compareNames)) {
    const path = folder === '' ? name : `${folder}/${name}`
    const stat = statOf(folders, path)
    if (!stat) continue
    const kind = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : 'folder'
    const inside = stat.isDirectory() ? namesIn(folders, path) : []
    const isKept = isWorkingName(name) || inside === null || inside.some(isMirrorMarker)
    if (isKept || (kind === 'folder' && !stat.isDirectory())) {
      found.kept.push(path)
      continue
    }
    found.entries.push({ path, kind, size: Number(stat.size), mtimeNs: stat.mtimeNs })
    listNames(folders, path, inside, found)
  }
}

/** Null if nothing is there any more, or a link took the place of its folder. */
function statOf(folders: FolderHandles, path: string): BigIntStats | null {
  try {
    return lstatSync(folders.pathOf(path), { bigint: true })
  } catch (error) {
    if (GONE.includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP']

function namesIn(folders: FolderHandles, folder: string): string[] | null {
  try {
    return readdirSync(folders.pathOf(`${folder}/.`))
  } catch {
    return null
  }
}
