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

/** What is known of this home's files, and a way to read others. */
export interface Known {
  catalog: Catalog
  hashPool: HashPool
}

/** At the path, before anything is fetched. `isSame`: the file there has the content that is wanted. */
export interface Found {
  replaceable: Replaceable
  isSame: boolean
}

/**
 * Looks at what is at `path` and decides whether a download of `wanted` may take its place: a file that this home
 * downloaded to it or shared from it under the same name, untouched since, or one of the same content. Throws
 * PATH_IN_THE_WAY for anything else.
 */
export async function checkTarget(
  path: string,
  wanted: Wanted,
  { catalog, hashPool }: Known,
  signal: AbortSignal,
): Promise<Found> {
  const stat = await lstat(path, { bigint: true }).catch(() => null)
  // What cannot be looked at cannot be written either, and that is told with its path.
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
 * Gives a finished file its name. Throws PATH_IN_THE_WAY where something has come to `to` that it may not replace.
 * Where nothing was there it is linked, which fails if something is; file systems without hard links leave a moment
 * between the look and the rename.
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

/** False where the file system has no hard links. */
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
  return new ShoalError('PATH_IN_THE_WAY', `${path} exists, and is no earlier download of this file`, {
    hint: 'replace it with --force, or choose another place with -o',
  })
}
