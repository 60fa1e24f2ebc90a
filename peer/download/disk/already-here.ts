import { lstat } from 'node:fs/promises'
import { ShoalError } from '../../../protocol/errors.ts'
import { fileId } from '../../../protocol/file-id.ts'
import { merkleRoot } from '../../../protocol/merkle.ts'
import type { LocalFiles } from './overwriting.ts'

/** A file that already has the wanted content: its packed chunk hashes, and its state for the catalog. */
export interface FileHere {
  hashes: Uint8Array
  mtimeNs: bigint
  ino: bigint
}

/** Reads the file at `path`, which had the content a moment ago. Throws FILE_CHANGED if it changed since. */
export async function readHere(
  { path, fileId: wanted, size }: { path: string; fileId: string; size: number },
  { catalog, hashPool }: LocalFiles,
  signal: AbortSignal,
): Promise<FileHere> {
  const { ino, mtimeNs } = await lstat(path, { bigint: true })
  const known = catalog
    .byPath(path)
    .some((e) => e.fileId === wanted && e.mtimeNs === mtimeNs && e.ino === ino)
  const hashes =
    (known ? catalog.hashes(wanted) : null) ?? (await hashPool.hash(path, size, undefined, undefined, signal))
  const after = await lstat(path, { bigint: true })
  if (after.ino === ino && after.mtimeNs === mtimeNs && fileId(size, merkleRoot(hashes)) === wanted)
    return { hashes, mtimeNs, ino }
  throw new ShoalError('FILE_CHANGED', `${path} changed while it was read`, {
    hint: 'run the command again once nothing writes to the file',
  })
}
