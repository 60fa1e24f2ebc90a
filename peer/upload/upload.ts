import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import { checkFileName } from '../../protocol/names.ts'
import { MAX_BATCH } from '../../tracker-client/api/limits.ts'
import type { ProgressListener, UploadedFile, UploadRequest, UploadResult } from '../control/api.ts'
import type { HashPool } from '../hash/pool.ts'
import { HashProgress } from '../hash/progress.ts'
import type { CatalogEntry } from '../serve/catalog.ts'
import type { UploadContext } from './context.ts'
import { publishHashed } from './publish.ts'
import { uploadSnapshot } from './snapshots.ts'

interface Hashed {
  entry: CatalogEntry
  hashes: Uint8Array
}

/**
 * Shares files with a group: hashes each in place, publishes them in batches, and serves them from then on. Throws
 * FILE_CHANGED if a file changes while it is read; batches published before stay.
 */
export async function upload(
  context: UploadContext,
  request: UploadRequest,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<UploadResult> {
  const { group, folders = [], dryRun = false } = request
  const files = request.files.map(({ path, name }) => ({ path, name: checkFileName(name) }))
  // Refuse a wrong group before the work of hashing, not after it.
  await context.client.group(group)
  const result: UploadedFile[] = []
  for (const folder of folders)
    result.push(await uploadSnapshot(context, group, { ...folder, dryRun }, progress, signal))
  if (files.length === 0) return { files: result }
  const stats = await Promise.all(files.map(({ path }) => regularFile(path)))
  const total = stats.reduce((sum, { size }) => sum + Number(size), 0)
  const label = files.length === 1 ? files[0]!.name : group
  const hashing = new HashProgress(label, total, files.length, progress)

  let batch: Hashed[] = []
  for (const [i, { path, name }] of files.entries()) {
    signal.throwIfAborted()
    batch.push(await hashFile(context.hashPool, { group, name, path }, stats[i]!, hashing.hashed, signal))
    if (batch.length < MAX_BATCH && i < files.length - 1) continue
    result.push(...(await publish(context, group, batch)))
    batch = []
  }
  hashing.report()
  hashing.done()
  return { files: result }
}

async function regularFile(path: string): Promise<BigIntStats> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw storageError(error, path)
  })
  if (found.isFile()) return found
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a regular file`, { hint: 'name files or folders' })
}

async function hashFile(
  pool: HashPool,
  file: { group: string; name: string; path: string },
  before: BigIntStats,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Hashed> {
  const size = Number(before.size)
  const hashes = await pool.hash(file.path, size, undefined, progress, signal)
  const { mtimeNs, ino, size: sizeAfter } = await regularFile(file.path)
  if (mtimeNs !== before.mtimeNs || ino !== before.ino || sizeAfter !== before.size)
    throw new ShoalError('FILE_CHANGED', `${file.path} changed while it was read`, {
      hint: 'run the command again once nothing writes to the file',
    })
  const entry = { ...file, fileId: fileId(size, merkleRoot(hashes)), size, mtimeNs, ino, fault: null }
  return { entry, hashes }
}

async function publish(
  { client, seeds }: UploadContext,
  group: string,
  batch: Hashed[],
): Promise<UploadedFile[]> {
  const published = await publishHashed(
    client,
    group,
    batch.map(({ entry, hashes }) => ({ ...entry, hashes })),
  )
  for (const { entry, hashes } of batch) await seeds.add(entry, hashes)
  return published
}
