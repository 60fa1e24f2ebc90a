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
  /** Replaces what this home put there under the same name, even if it changed since. */
  repairs?: boolean
}

/** This home's catalog, and a pool to hash other files. */
export interface LocalFiles {
  catalog: Catalog
  hashPool: HashPool
}

/** A file's state, which changes when somebody writes to the file. */
export type FileStat = Pick<BigIntStats, 'ino' | 'mtimeNs' | 'size'>

/** The target that a download may replace: a file in exactly this state, nothing (null), or any file or link. */
export type Replaceable = FileStat | null | 'any file'

/** The wanted content, found at the final path. */
export interface FileHere {
  mtimeNs: bigint
  ino: bigint
  /** Packed chunk hashes. */
  hashes(): Uint8Array
}

export type Found = { here: FileHere } | { here: null; replaceable: Replaceable }

/**
 * Decides what a download may replace at its final path: an untouched file that this home downloaded to the path or
 * shared from it under the same name. Returns the existing file if it already has the wanted content. Throws
 * PATH_IN_THE_WAY for anything else, and FILE_CHANGED if somebody writes to the file meanwhile.
 */
export async function checkTarget(wanted: Wanted, local: LocalFiles, signal: AbortSignal): Promise<Found> {
  const { path, force } = wanted
  // If the path cannot be read, it cannot be written either: opening the part file reports that.
  const stat = await lstat(path, { bigint: true }).catch(() => null)
  if (stat === null) return { here: null, replaceable: force ? 'any file' : null }
  refuseNode(path, stat)
  const isUntouched = (copy: RemovedCopy): boolean => isSameStat({ ...copy, size: BigInt(copy.size) }, stat)
  const known = local.catalog.byPath(path)
  const own = known.filter(isUntouched)
  const intact = own.filter(({ fault }) => fault === null)
  if (intact.some((entry) => entry.fileId === wanted.fileId))
    return { here: hereAs(wanted, local.catalog, stat) }
  // An intact copy of another file has another content, so only unknown files have to be read.
  const here = intact.length > 0 ? null : await readHere(wanted, stat, local.hashPool, signal)
  if (here) return { here }
  if (force) return { here, replaceable: 'any file' }
  const removed = local.catalog.removedAt(path)
  const earlier = [
    ...(wanted.repairs ? known : own),
    ...(removed && (wanted.repairs || isUntouched(removed)) ? [removed] : []),
  ]
  if (earlier.some(({ group, name }) => group === wanted.group && name === wanted.name))
    return { here, replaceable: stat }
  throw targetExists(path)
}

function hereAs({ fileId }: Wanted, catalog: Catalog, { mtimeNs, ino }: FileStat): FileHere {
  return { mtimeNs, ino, hashes: () => catalog.hashes(fileId) ?? new Uint8Array(0) }
}

/** Hashes the file if it has the wanted size. Returns null if it has another content. */
async function readHere(
  { path, size, fileId: wanted }: Wanted,
  stat: BigIntStats,
  pool: HashPool,
  signal: AbortSignal,
): Promise<FileHere | null> {
  if (!stat.isFile() || stat.size !== BigInt(size)) return null
  const hashes = await pool.hash(path, size, undefined, undefined, signal)
  const after = await lstat(path, { bigint: true }).catch(() => null)
  if (!after || !isSameStat(after, stat))
    throw new ShoalError('FILE_CHANGED', `${path} changed while it was read`, {
      hint: 'run the command again once nothing writes to the file',
    })
  if (fileId(size, merkleRoot(hashes)) !== wanted) return null
  return { mtimeNs: stat.mtimeNs, ino: stat.ino, hashes: () => hashes }
}

/**
 * Renames a finished file to its final name. Throws PATH_IN_THE_WAY if `to` has something that it may not replace. For
 * a free name it uses a hard link, which fails if the name is taken. Without hard links, and to replace a file, there
 * is a moment between the check and the rename.
 */
export async function giveName(from: string, to: string, replaceable: Replaceable): Promise<void> {
  if (replaceable === null && (await linkNew(from, to))) return
  const stat = await lstat(to, { bigint: true }).catch(() => null)
  if (stat) {
    refuseNode(to, stat)
    if (replaceable !== 'any file' && !(replaceable && isSameStat(stat, replaceable))) throw targetExists(to)
  }
  await rename(from, to)
}

/**
 * Renames a finished folder (`is`) to its final name, which must be free. Throws PATH_IN_THE_WAY if the name is taken, or
 * if something else has the folder's working name by now.
 */
export async function giveFolderName(
  from: string,
  to: string,
  is: { ino: number; dev: number },
): Promise<void> {
  if (await lstat(to).catch(() => null))
    throw new ShoalError('PATH_IN_THE_WAY', `${to} was made by somebody else meanwhile`, {
      hint: 'run the same command again, or choose another place with -o',
    })
  await rename(from, to)
  const { ino, dev } = await lstat(to)
  if (ino === is.ino && dev === is.dev) return
  await rename(to, from)
  throw new ShoalError('PATH_IN_THE_WAY', `${from} was replaced by something else meanwhile`, {
    hint: 'run the same command again once nothing else writes there',
  })
}

/** Returns false on a file system without hard links. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
    // On a network file system the link may have succeeded and its reply got lost, so that the retry failed.
    if (!(await isSameFile(from, to))) throw targetExists(to)
  }
  await unlink(from).catch(async (error: unknown) => {
    await rm(to, { force: true })
    throw error
  })
  return true
}

export async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [a, b].map((path) => lstat(path, { bigint: true }).catch(() => null)),
  )
  return one != null && other != null && one.ino === other.ino && one.dev === other.dev
}

function isSameStat(a: FileStat, b: FileStat): boolean {
  return a.ino === b.ino && a.mtimeNs === b.mtimeNs && a.size === b.size
}

/** Refuses FIFOs, devices and sockets: a rename would replace them like files, as root even system devices. */
function refuseNode(path: string, stat: BigIntStats): void {
  if (stat.isFile() || stat.isSymbolicLink()) return
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a regular file`, {
    hint: 'choose another place with -o',
  })
}

function targetExists(path: string): ShoalError {
  return new ShoalError('PATH_IN_THE_WAY', `${path} exists and is not an earlier download of this file`, {
    hint: 'replace it with --force, or choose another place with -o',
  })
}
