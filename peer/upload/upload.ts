import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { chunkCount, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { fileId } from '../../protocol/file-id.ts'
import { merkleRoot } from '../../protocol/merkle.ts'
import { checkFileName } from '../../protocol/names.ts'
import { MAX_BATCH, MAX_HASH_PAGE, MAX_INLINE_HASHES } from '../../tracker-client/api/limits.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import type { ProgressListener, UploadRequest, UploadResult } from '../control/api.ts'
import type { HashPool } from '../hash/pool.ts'
import { HashProgress } from '../hash/progress.ts'
import type { CatalogEntry } from '../serve/catalog.ts'
import type { Seeds } from '../serve/seeds.ts'

export interface UploadContext {
  client: TrackerClient
  seeds: Seeds
  hashPool: HashPool
}

interface Hashed {
  entry: CatalogEntry
  hashes: Uint8Array
}

/**
 * Shares files with a group: hashes each where it lies, publishes them in batches, and serves them from then
 * on. Throws FILE_CHANGED when one changes while it is read; what was published before stays.
 */
export async function upload(
  context: UploadContext,
  request: UploadRequest,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<UploadResult> {
  const { group } = request
  const files = request.files.map(({ path, name }) => ({ path, name: checkFileName(name) }))
  // Says "no such group" or "not a member" before the work, not after it.
  await context.client.group(group)
  const stats = await Promise.all(files.map(({ path }) => regularFile(path)))
  const total = stats.reduce((sum, { size }) => sum + Number(size), 0)
  const label = files.length === 1 ? files[0]!.name : group
  const hashing = new HashProgress(label, total, files.length, progress)

  const result: UploadResult['files'] = []
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
  context: UploadContext,
  group: string,
  batch: Hashed[],
): Promise<UploadResult['files']> {
  const { client, seeds } = context
  const files = batch.map(({ entry, hashes }) => ({
    name: entry.name,
    fileId: entry.fileId,
    size: entry.size,
    ...(hashes.length <= MAX_INLINE_HASHES * HASH_SIZE
      ? { hashes: Buffer.from(hashes).toString('base64') }
      : {}),
  }))
  const published = await client.publish(group, files).catch(async (error: unknown) => {
    if (!(error instanceof ShoalError && error.code === 'HASHES_NEEDED')) throw error
    for (const [i, file] of files.entries())
      if (!('hashes' in file)) await stage(client, group, file.fileId, batch[i]!.hashes)
    return client.publish(group, files)
  })
  for (const { entry, hashes } of batch) await seeds.add(entry, hashes)
  return published.files.map(({ name, fileId, size, version }) => ({
    name,
    fileId,
    size,
    chunks: chunkCount(size),
    version,
  }))
}

async function stage(client: TrackerClient, group: string, id: string, hashes: Uint8Array): Promise<void> {
  const page = MAX_HASH_PAGE * HASH_SIZE
  for (let at = 0; at < hashes.length; at += page)
    await client.stageHashes(group, id, at / HASH_SIZE, hashes.subarray(at, at + page))
}
