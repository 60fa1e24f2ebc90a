import { chunkCount, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { TreeSummary } from '../../protocol/records.ts'
import { MAX_HASH_PAGE, MAX_INLINE_HASHES } from '../../tracker-client/api/limits.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import type { UploadedFile } from '../control/api.ts'

export interface HashedFile {
  name: string
  fileId: string
  size: number
  tree?: TreeSummary
  /** Packed chunk hashes. */
  hashes: Uint8Array
}

/** Publishes files in one change. Stages the long hash lists first if the tracker lacks them. */
export async function publishHashed(
  client: TrackerClient,
  group: string,
  hashed: readonly HashedFile[],
): Promise<UploadedFile[]> {
  const files = hashed.map(({ name, fileId, size, tree, hashes }) => ({
    name,
    fileId,
    size,
    ...(tree ? { tree } : {}),
    ...(hashes.length <= MAX_INLINE_HASHES * HASH_SIZE
      ? { hashes: Buffer.from(hashes).toString('base64') }
      : {}),
  }))
  const published = await client.publish(group, files).catch(async (error: unknown) => {
    if (!(error instanceof ShoalError && error.code === 'HASHES_NEEDED')) throw error
    for (const [i, file] of files.entries())
      if (!('hashes' in file)) await stage(client, group, file.fileId, hashed[i]!.hashes)
    return client.publish(group, files)
  })
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
