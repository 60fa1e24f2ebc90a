import { chunkCount, HASH_SIZE } from '../../../protocol/chunking.ts'
import { ShoalError } from '../../../protocol/errors.ts'
import { hashesMatch } from '../../../protocol/file-id.ts'
import { MAX_HASH_PAGE } from '../../../tracker-client/api/limits.ts'
import type { JoinedSwarm } from '../../../tracker-client/api/schemas.ts'
import type { TrackerClient } from '../../../tracker-client/client.ts'

/**
 * The packed chunk hashes of a file: from the tracker's answer to the join if it has them, else in pages. They are
 * verified against the file id, so the tracker need not be trusted. Throws HASH_MISMATCH.
 */
export async function loadHashes(
  client: TrackerClient,
  file: { group: string; fileId: string; size: number },
  swarm: JoinedSwarm,
): Promise<Uint8Array> {
  const count = chunkCount(file.size)
  const hashes =
    swarm.hashes === undefined ? await readPages(client, file, count) : Buffer.from(swarm.hashes, 'base64')
  if (hashes.length !== count * HASH_SIZE || !hashesMatch(file.fileId, file.size, hashes))
    throw new ShoalError('HASH_MISMATCH', 'the chunk hashes from the tracker do not match the file id', {
      hint: 'the file must be uploaded again',
    })
  return hashes
}

async function readPages(
  client: TrackerClient,
  file: { group: string; fileId: string },
  count: number,
): Promise<Buffer> {
  const pages: Buffer[] = []
  for (let first = 0; first < count; ) {
    const page = await client.hashes(file.group, file.fileId, first, Math.min(MAX_HASH_PAGE, count - first))
    if (page.length === 0)
      throw new ShoalError('FILE_NOT_FOUND', 'the tracker no longer has the chunk hashes of this file')
    pages.push(page)
    first += Math.floor(page.length / HASH_SIZE)
  }
  return Buffer.concat(pages)
}
