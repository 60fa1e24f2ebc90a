import { stat } from 'node:fs/promises'
import { chunkCount, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { checkFileName } from '../../protocol/names.ts'
import type { TreeSummary } from '../../protocol/records.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { ProgressListener, SnapshotRequest, UploadedFile } from '../control/api.ts'
import { HashProgress } from '../hash/progress.ts'
import { type Earlier, makeSnapshot } from '../tree/snapshot.ts'
import type { UploadContext } from './context.ts'
import { publishHashed } from './publish.ts'

/**
 * Publishes a folder as one snapshot, and serves it from where it is. The group gets it in one change, or not at all.
 * Throws what makeSnapshot throws, and what the tracker refuses it with.
 */
export async function uploadSnapshot(
  context: UploadContext,
  group: string,
  request: SnapshotRequest,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<UploadedFile> {
  const { path } = request
  const name = checkFileName(request.name)
  const folder = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw storageError(error, path)
  })
  if (!folder.isDirectory())
    throw new ShoalError('PATH_IN_THE_WAY', `${path} is not a folder`, { hint: 'name files or folders' })
  let hashing: HashProgress | null = null
  const told = {
    earlier: earlierOf(context, path),
    begin: (files: number, bytes: number): void => {
      hashing = new HashProgress(name, bytes, files, progress)
    },
    progress: (bytes: number): void => hashing?.hashed(bytes),
  }
  const { pool, store } = context.trees
  const { index, trailer, hashes, fileId, size, skipped } = await makeSnapshot(
    path,
    request,
    pool,
    told,
    signal,
  )
  await store.put(fileId, { index, trailer })
  const tree = summaryOf(index)
  const [published] = await publishHashed(context.client, group, [{ name, fileId, size, tree, hashes }])
  const { mtimeNs, ino } = folder
  await context.seeds.add(
    { group, name, path, fileId, size, mtimeNs, ino, isTree: true, fault: null },
    hashes,
  )
  hashing!.report()
  hashing!.done()
  return {
    name,
    fileId,
    size,
    chunks: chunkCount(size),
    version: published!.version,
    tree,
    ...(skipped.length > 0 ? { skipped } : {}),
  }
}

/** The newest snapshot of this folder that this home holds: files that did not change since are not read again. */
function earlierOf({ catalog, trees }: UploadContext, path: string): Earlier | null {
  for (const entry of catalog.byPath(path)) {
    const known = entry.isTree ? trees.store.load(entry.fileId, entry.size) : null
    const hashes = known && catalog.hashes(entry.fileId)
    if (known && hashes?.length === known.index.chunkCount * HASH_SIZE) return { index: known.index, hashes }
  }
  return null
}

function summaryOf(index: TreeIndex): TreeSummary {
  let files = 0
  let bytes = 0
  for (let entry = 0; entry < index.count; entry++) {
    if (index.kind(entry) === 'file') files++
    bytes += index.size(entry)
  }
  const { contents } = index.footer
  return { entries: index.count, files, bytes, trailer: index.streamSize - contents }
}
