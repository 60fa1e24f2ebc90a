import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs'
import { ShoalError } from '../../protocol/errors.ts'
import type { EntryKind } from '../../protocol/tree/entry.ts'
import { type FolderHandles, withFolders } from './folder-handles.ts'
import { setTime } from './set-time.ts'

/** An entry of a tree to make or finish below `root`. */
export interface Placed {
  path: string
  kind: EntryKind
  mode: number
  mtimeNs: bigint
  /** Of a link. */
  target: string
}

export interface PlaceRequest {
  root: string
  /**
   * 'make' creates folders and links, and makes files that are there writable. 'finish' sets times, and modes that differ
   * from the working ones. 'reset' sets all.
   */
  step: 'make' | 'finish' | 'reset'
  /** In the order of a tree. */
  entries: readonly Placed[]
  /** Permission bits that the user's umask clears. */
  umask: number
}

/** The modes with which the owner can write until the tree is finished. */
export const WORKING_FOLDER = 0o700
export const WORKING_FILE = 0o600

/** Places entries, never through a symbolic link. Throws a storage error. */
export function placeEntries({ root, step, entries, umask }: PlaceRequest): void {
  withFolders(root, (folders) => {
    if (step === 'make') for (const entry of entries) make(folders, entry, umask)
    // Folders come after their contents, because a change of an entry changes the time of its folder.
    else for (const entry of [...entries].reverse()) finish(folders, entry, umask, step === 'reset')
  })
}

/** Makes a folder or link. An earlier run may have made it, and may have ended when it had its final mode. */
function make(folders: FolderHandles, { path, kind, mode, target }: Placed, umask: number): void {
  const place = folders.pathOf(path)
  if (kind === 'link') {
    if (!isLinkTo(place, target)) symlinkSync(target, place)
    return
  }
  const working = (mode | (kind === 'folder' ? WORKING_FOLDER : WORKING_FILE)) & ~umask
  const stat = lstatSync(place, { throwIfNoEntry: false })
  if (stat) {
    requireKind(place, kind, folders.latest)
    if ((stat.mode & 0o777) !== working) setMode(place, working)
  } else if (kind === 'folder') mkdirSync(place, { mode: working })
}

/** Whether a symbolic link with this target is at the path. */
export function isLinkTo(place: string, target: string): boolean {
  return (
    lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(place) === target
  )
}

function finish(
  folders: FolderHandles,
  { path, kind, mode, mtimeNs }: Placed,
  umask: number,
  resets: boolean,
): void {
  const place = folders.pathOf(path)
  // A look at each of thousands of files takes as long as the rest of the work.
  if (kind !== 'file') requireKind(place, kind, folders.latest)
  if (kind !== 'link') {
    const working = kind === 'folder' ? WORKING_FOLDER : WORKING_FILE
    if (resets || (mode & working) !== working) setMode(place, mode & ~umask)
  }
  setTime(place, mtimeNs)
}

function requireKind(place: string, kind: EntryKind, path: string): void {
  const stat = lstatSync(place)
  const isRight =
    kind === 'file' ? stat.isFile() : kind === 'folder' ? stat.isDirectory() : stat.isSymbolicLink()
  if (isRight) return
  throw new ShoalError('PATH_IN_THE_WAY', `${path} was replaced by something else meanwhile`, {
    hint: 'run the same command again once nothing else writes there',
  })
}

/** open(2): a handle for which the file need not be readable. Node has no constant for it. */
const O_PATH = 0o10000000

/** chmod(2) follows a link, and Linux has no lchmod: so the file is opened first, without following. */
export function setMode(place: string, mode: number): void {
  if (process.platform !== 'linux') {
    chmodSync(place, mode)
    return
  }
  const fd = openSync(place, O_PATH | constants.O_NOFOLLOW)
  try {
    chmodSync(`/proc/self/fd/${fd}`, mode)
  } finally {
    closeSync(fd)
  }
}
