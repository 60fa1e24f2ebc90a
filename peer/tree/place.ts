import { chmodSync, lutimesSync, mkdirSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { isDeno } from '../../packed/runtime.ts'
import type { EntryKind } from '../../protocol/tree/entry.ts'

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
  /** 'make' creates folders and links, 'finish' sets times and modes that differ from the working ones, 'reset' all. */
  step: 'make' | 'finish' | 'reset'
  /** In the order of a tree. */
  entries: readonly Placed[]
  /** Permission bits that the user's umask clears. */
  umask: number
}

/** The modes with which the owner can write until the tree is finished. */
export const WORKING_FOLDER = 0o700
export const WORKING_FILE = 0o600

export function placeEntries({ root, step, entries, umask }: PlaceRequest): void {
  if (step === 'make') for (const entry of entries) make(root, entry)
  // Folders come after their contents, because a change of an entry changes the time of its folder.
  else for (const entry of [...entries].reverse()) finish(root, entry, umask, step === 'reset')
}

function make(root: string, { path, kind, mode, target }: Placed): void {
  if (kind === 'folder') mkdirSync(join(root, path), { mode: mode | WORKING_FOLDER, recursive: true })
  else if (kind === 'link') symlinkSync(target, join(root, path))
}

function finish(root: string, { path, kind, mode, mtimeNs }: Placed, umask: number, resets: boolean): void {
  const absolute = join(root, path)
  const seconds = secondsOf(mtimeNs)
  if (kind === 'link') {
    lutimesSync(absolute, seconds, seconds)
    return
  }
  const working = kind === 'folder' ? WORKING_FOLDER : WORKING_FILE
  if (resets || (mode & working) !== working) chmodSync(absolute, mode & ~umask)
  utimesSync(absolute, seconds, seconds)
}

/** Deno truncates to milliseconds. The added half keeps a rounding error from losing another one. */
const secondsOf = (ns: bigint): number => (isDeno ? (Number(ns / 1_000_000n) + 0.5) / 1000 : Number(ns) / 1e9)
