import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { EntryKind } from '../../protocol/tree/entry.ts'
import { setTime } from './set-time.ts'

/** What is to be done for an entry of a tree below `root`. */
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
  /** 'make' makes folders and links; 'finish' sets times, and modes where they differ from those of writing; 'reset' both. */
  step: 'make' | 'finish' | 'reset'
  /** In the order of a tree. */
  entries: readonly Placed[]
  /** Permission bits that the user's umask takes away. */
  umask: number
}

/** The owner writes into a folder and a file until the tree is finished. */
export const WORKING_FOLDER = 0o700
export const WORKING_FILE = 0o600

export function placeEntries({ root, step, entries, umask }: PlaceRequest): void {
  if (step === 'make') for (const entry of entries) make(root, entry)
  // Folders after what is in them: to change an entry changes the time of its folder.
  else for (const entry of [...entries].reverse()) finish(root, entry, umask, step === 'reset')
}

function make(root: string, { path, kind, mode, target }: Placed): void {
  if (kind === 'folder') mkdirSync(join(root, path), { mode: mode | WORKING_FOLDER, recursive: true })
  else if (kind === 'link') symlinkSync(target, join(root, path))
}

function finish(root: string, { path, kind, mode, mtimeNs }: Placed, umask: number, resets: boolean): void {
  const absolute = join(root, path)
  if (kind !== 'link') {
    const working = kind === 'folder' ? WORKING_FOLDER : WORKING_FILE
    if (resets || (mode & working) !== working) chmodSync(absolute, mode & ~umask)
  }
  setTime(absolute, kind === 'link', mtimeNs)
}
