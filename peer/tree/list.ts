import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isMirrorMarker, isWorkingName } from '../../protocol/names.ts'
import type { EntryKind } from '../../protocol/tree/entry.ts'
import { compareNames } from '../../protocol/tree/paths.ts'

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
 * working folder of its download. Links are not followed.
 */
export function listFolder(root: string): Listing {
  const found: Listing = { entries: [], kept: [] }
  const names = readdirSync(root).filter((name) => !isMirrorMarker(name) && !isWorkingName(name))
  listNames(root, '', names, found)
  return found
}

function listNames(root: string, folder: string, names: readonly string[], found: Listing): void {
  for (const name of [...names].sort(compareNames)) {
    const path = folder === '' ? name : `${folder}/${name}`
    const stat = lstatSync(join(root, path), { bigint: true, throwIfNoEntry: false })
    if (!stat) continue
    const kind = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : 'folder'
    const inside = stat.isDirectory() ? namesIn(join(root, path)) : []
    const isKept = isWorkingName(name) || inside === null || inside.some(isMirrorMarker)
    if (isKept || (kind === 'folder' && !stat.isDirectory())) {
      found.kept.push(path)
      continue
    }
    found.entries.push({ path, kind, size: Number(stat.size), mtimeNs: stat.mtimeNs })
    listNames(root, path, inside, found)
  }
}

function namesIn(folder: string): string[] | null {
  try {
    return readdirSync(folder)
  } catch {
    return null
  }
}
