import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { plainReason } from '../../protocol/errors.ts'
import { isMirrorMarker, isWorkingName } from '../../protocol/names.ts'
import type { EntryKind } from '../../protocol/tree/entry.ts'
import { compareNames, nameFault } from '../../protocol/tree/paths.ts'
import { type FolderHandles, withReadFolders } from './folder-handles.ts'
import { Ignore } from './ignore.ts'

/** The file with a folder's own rules, in the syntax of .gitignore. */
export const IGNORE_FILE = '.shoalignore'

export interface ScanRequest {
  root: string
  /** Patterns in the syntax of .gitignore. `include` overrides `exclude` and .shoalignore. */
  exclude: readonly string[]
  include: readonly string[]
}

/** An entry of a folder before its contents are read. */
export interface ScannedEntry {
  /** Relative, with slashes. */
  path: string
  kind: EntryKind
  mode: number
  mtimeNs: bigint
  size: number
  /** Of a link. */
  target: string
}

export interface Scan {
  /** In the order of a tree. */
  entries: ScannedEntry[]
  /** Reasons not to publish the folder: a sentence each, with the path. */
  problems: string[]
  /** Paths left out because they are neither file, folder nor link. */
  skipped: string[]
}

/** Reads a folder depth first. Links are entries of their own and never followed. */
export function scan({ root, exclude, include }: ScanRequest): Scan {
  const found: Scan = { entries: [], problems: [], skipped: [] }
  withReadFolders(root, (folders) => readFolder(folders, '', new Ignore(exclude, include), found))
  return found
}

function readFolder(folders: FolderHandles, folder: string, parent: Ignore, found: Scan): void {
  let names: string[]
  let ignore = parent
  try {
    names = readdirSync(folders.pathOf(join(folder, '.'))).sort(compareNames)
  } catch (error) {
    found.problems.push(`${folder || '.'} cannot be read: ${plainReason((error as Error).message)}`)
    return
  }
  try {
    if (names.includes(IGNORE_FILE)) ignore = parent.below(folder, folders.pathOf(join(folder, IGNORE_FILE)))
  } catch (error) {
    found.problems.push(
      `${join(folder, IGNORE_FILE)} cannot be read: ${plainReason((error as Error).message)}`,
    )
    return
  }
  for (const name of names) {
    const path = folder === '' ? name : `${folder}/${name}`
    if (!isWorkingName(name) && !isMirrorMarker(name)) readEntry(folders, path, name, ignore, found)
  }
}

function readEntry(folders: FolderHandles, path: string, name: string, ignore: Ignore, found: Scan): void {
  try {
    const absolute = folders.pathOf(path)
    const stat = lstatSync(absolute, { bigint: true })
    const isFolder = stat.isDirectory()
    if (ignore.leavesOut(path, isFolder)) return
    const fault = nameFault(name, !path.includes('/'))
    if (fault !== null) {
      found.problems.push(`${JSON.stringify(path)} cannot be in a snapshot: ${fault}`)
      return
    }
    const common = { path, mode: Number(stat.mode) & 0o777, mtimeNs: stat.mtimeNs, size: 0, target: '' }
    if (isFolder) {
      found.entries.push({ ...common, kind: 'folder' })
      readFolder(folders, path, ignore, found)
    } else if (stat.isSymbolicLink())
      found.entries.push({ ...common, kind: 'link', mode: 0, target: readlinkSync(absolute) })
    else if (stat.isFile()) found.entries.push({ ...common, kind: 'file', size: Number(stat.size) })
    else found.skipped.push(path)
  } catch (error) {
    found.problems.push(`${path} cannot be read: ${plainReason((error as Error).message)}`)
  }
}

/** The state of a folder's entries in one text, and their number. */
export interface Fingerprint {
  entries: number
  digest: string
}

/**
 * Two equal fingerprints mean that a snapshot would have the same contents. Times of folders are left out: a file that
 * came and went, or one that is ignored, changes them.
 */
export function fingerprint(request: ScanRequest): Fingerprint {
  const { entries, problems } = scan(request)
  const hash = createHash('sha256')
  for (const { path, kind, mode, mtimeNs, size, target } of entries)
    hash.update(JSON.stringify([path, kind, mode, size, target, kind === 'folder' ? '' : String(mtimeNs)]))
  for (const problem of problems) hash.update(JSON.stringify(problem))
  return { entries: entries.length, digest: hash.digest('hex') }
}
