import type { BigIntStats } from 'node:fs'
import { link, lstat, rename, rm, unlink } from 'node:fs/promises'
import { ShoalError } from '../../../protocol/errors.ts'
import { fileId } from '../../../protocol/file-id.ts'
import { merkleRoot } from '../../../protocol/merkle.ts'
import type { HashPool } from '../../hash/pool.ts'
import type { Catalog, RemovedCopy } from '../../serve/catalog.ts'

export interface Wanted {
  group: string
  name: string
  fileId: string
  size: number
  /** Final path. */
  path: string
  /** Replaces any file or link, but never a folder, FIFO, device or socket. */
  force: boolean
}

/** This home's files, and a way to read others. */
export interface Known {
  catalog: Catalog
  hashPool: HashPool
}

/** The state of a file: another one means that somebody wrote to it. */
export type FileState = Pick<BigIntStats, 'ino' | 'mtimeNs' | 'size'>

/** What a download may replace: a file in exactly this state, nothing (null), or any file or link. */
export type Replaceable = FileState | null | 'any file'

/** The wanted content, found at the final path. */
export interface FileHere {
  mtimeNs: bigint
  ino: bigint
  /** Packed chunk hashes. */
  hashes(): Uint8Array
}

export type Found = { here: FileHere } | { here: null; replaceable: Replaceable }

/**
 * Looks at the final path and decides what a download may replace there: a file that this home downloaded to it or
 * shared from it under the same name, untouched since. Returns the file that is there if it has the wanted content.
 * Throws PATH_IN_THE_WAY for anything else, and FILE_CHANGED if somebody writes to the file meanwhile.
 */
export async function checkTarget(wanted: Wanted, known: Known, signal: AbortSignal): Promise<Found> {
  const { path, force } = wanted
  // A path that cannot be looked at cannot be written either: opening the part file reports it.
  const stat = await lstat(path, { bigint: true }).catch(() => null)
  if (stat === null) return { here: null, replaceable: force ? 'any file' : null }
  refuseNode(path, stat)
  const isUntouched = (copy: RemovedCopy): boolean => isSameState({ ...copy, size: BigInt(copy.size) }, stat)
  const own = known.catalog.byPath(path).filter(isUntouched)
  const intact = own.filter(({ fault }) => fault === null)
  if (intact.some((entry) => entry.fileId === wanted.fileId))
    return { here: hereAs(wanted, known.catalog, stat) }
  // An intact copy of another file has another content; only other files have to be read.
  const here = intact.length > 0 ? null : await readHere(wanted, stat, known.hashPool, signal)
  if (here) return { here }
  if (force) return { here, replaceable: 'any file' }
  const removed = known.catalog.removedAt(path)
  const earlier = removed && isUntouched(removed) ? [...own, removed] : own
  if (earlier.some(({ group, name }) => group === wanted.group && name === wanted.name))
    return { here, replaceable: stat }
  throw targetExists(path)
}

function hereAs({ fileId }: Wanted, catalog: Catalog, { mtimeNs, ino }: FileState): FileHere {
  return { mtimeNs, ino, hashes: () => catalog.hashes(fileId) ?? new Uint8Array(0) }
}

/** Hashes a file that has the wanted size; null if it has another content. */
async function readHere(
  { path, size, fileId: wanted }: Wanted,
  stat: BigIntStats,
  pool: HashPool,
  signal: AbortSignal,
): Promise<FileHere | null> {
  if (!stat.isFile() || stat.size !== BigInt(size)) return null
  const hashes = await pool.hash(path, size, undefined, undefined, signal)
  const after = await lstat(path, { bigint: true }).catch(() => null)
  if (!after || !isSameState(after, stat))
    throw new ShoalError('FILE_CHANGED', `${path} changed while it was read`, {
      hint: 'run the command again once nothing writes to the file',
    })
  if (fileId(size, merkleRoot(hashes)) !== wanted) return null
  return { mtimeNs: stat.mtimeNs, ino: stat.ino, hashes: () => hashes }
}

/**
 * Gives a finished file its name. Throws PATH_IN_THE_WAY if `to` is taken by something that it may not replace. A new
 * name is a hard link, which fails if the name is taken; on file systems without hard links, and where a file is
 * replaced, there is a moment between the look and the rename.
 */
export async function giveName(from: string, to: string, replaceable: Replaceable): Promise<void> {
  if (replaceable === null && (await linkNew(from, to))) return
  const stat = await lstat(to, { bigint: true }).catch(() => null)
  if (stat) {
    refuseNode(to, stat)
    if (replaceable !== 'any file' && !(replaceable && isSameState(stat, replaceable))) throw targetExists(to)
  }
  await rename(from, to)
}

/** Returns false on a file system without hard links. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
    // Over a network a link can succeed and its answer be lost: the repeated request then fails.
    if (!(await isSameFile(from, to))) throw targetExists(to)
  }
  await unlink(from).catch(async (error: unknown) => {
    await rm(to, { force: true })
    throw error
  })
  return true
}

/** Whether both names belong to one file. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [a, b].map((path) => lstat(path, { bigint: true }).catch(() => null)),
  )
  return one != null && other != null && one.ino === other.ino && one.dev === other.dev
}

function isSameState(a: FileState, b: FileState): boolean {
  return a.ino === b.ino && a.mtimeNs === b.mtimeNs && a.size === b.size
}

/** A rename would replace a FIFO, device or socket like a file, and as root the machine's own devices. */
function refuseNode(path: string, stat: BigIntStats): void {
  if (stat.isFile() || stat.isSymbolicLink()) return
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a regular file`, {
    hint: 'choose another place with -o',
  })
}

function targetExists(path: string): ShoalError {
  return new ShoalError('PATH_IN_THE_WAY', `${path} exists, and is no earlier download of this file`, {
    hint: 'replace it with --force, or choose another place with -o',
  })
}
