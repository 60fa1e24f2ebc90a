import type { BigIntStats } from 'node:fs'
import { link, lstat, rename, rm, unlink } from 'node:fs/promises'
import { ShoalError } from '../../../protocol/errors.ts'
import { fileId } from '../../../protocol/file-id.ts'
import { merkleRoot } from '../../../protocol/merkle.ts'
import type { HashPool } from '../../hash/pool.ts'
import type { Catalog } from '../../serve/catalog.ts'
import type { FileState, Replaceable } from './replaceable.ts'

export interface Wanted {
  group: string
  name: string
  fileId: string
  size: number
}

/** This home's catalog, and a pool to hash other files. */
export interface LocalFiles {
  catalog: Catalog
  hashPool: HashPool
}

/** The state of a path before a download. `isSame`: the file there has the wanted content. */
export interface Found {
  replaceable: Replaceable
  isSame: boolean
}

/**
 * Decides whether a download of `wanted` may replace what is at `path`. It may replace an untouched file that this home
 * downloaded to the path or shared from it under the same name, and a file with the same content. Throws
 * PATH_IN_THE_WAY for anything else.
 */
export async function checkTarget(
  path: string,
  wanted: Wanted,
  { catalog, hashPool }: LocalFiles,
  signal: AbortSignal,
): Promise<Found> {
  const stat = await lstat(path, { bigint: true }).catch(() => null)
  // A path that cannot be read cannot be written either; the later write reports it.
  if (stat === null) return { replaceable: null, isSame: false }
  const replaceable = stateOf(stat)
  const ours = catalog
    .byPath(path)
    .find(
      ({ mtimeNs, ino, size }) => stat.mtimeNs === mtimeNs && stat.ino === ino && Number(stat.size) === size,
    )
  if (ours?.fileId === wanted.fileId) return { replaceable, isSame: true }
  if (ours && ours.group === wanted.group && ours.name === wanted.name) return { replaceable, isSame: false }
  if (stat.isFile() && Number(stat.size) === wanted.size) {
    const hashes = await hashPool.hash(path, wanted.size, undefined, undefined, signal)
    if (fileId(wanted.size, merkleRoot(hashes)) === wanted.fileId) return { replaceable, isSame: true }
  }
  throw targetExists(path)
}

/**
 * Renames a finished file to its final name. Throws PATH_IN_THE_WAY if `to` now has something that it may not replace.
 * For a free name it uses a hard link, which fails if the name is taken. File systems without hard links leave a
 * moment between the check and the rename.
 */
export async function giveName(from: string, to: string, replaceable: Replaceable): Promise<void> {
  if (replaceable === null && (await linkNew(from, to))) return
  if (replaceable !== 'anything') {
    const stat = await lstat(to, { bigint: true }).catch(() => null)
    const isExpected = replaceable && stat && sameState(stateOf(stat), replaceable)
    if (stat && !isExpected) throw targetExists(to)
  }
  await rename(from, to)
}

/** Returns false if the file system has no hard links. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw targetExists(to)
    return false
  }
  await unlink(from).catch(async (error: unknown) => {
    await rm(to, { force: true })
    throw error
  })
  return true
}

function stateOf({ ino, mtimeNs, size }: BigIntStats): FileState {
  return { ino: String(ino), mtimeNs: String(mtimeNs), size: String(size) }
}

function sameState(a: FileState, b: FileState): boolean {
  return a.ino === b.ino && a.mtimeNs === b.mtimeNs && a.size === b.size
}

function targetExists(path: string): ShoalError {
  return new ShoalError('PATH_IN_THE_WAY', `${path} exists and is not an earlier download of this file`, {
    hint: 'replace it with --force, or choose another place with -o',
  })
}
