import { stat } from 'node:fs/promises'
import { HASH_SIZE } from '../../protocol/chunking.ts'
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
 * Publishes a folder as one snapshot, and serves it in place. The group gets all of it in one change, or nothing.
 * Throws the errors of makeSnapshot, and the tracker's refusals.
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
  const tree = summaryOf(index)
  const { mtimeNs, ino } = folder
  const published = await store.whileUsed(fileId, async () => {
    await store.put(fileId, { index, trailer })
    const [record] = await publishHashed(context.client, group, [{ name, fileId, size, tree, hashes }])
    await context.seeds.add(
      { group, name, path, fileId, size, mtimeNs, ino, isTree: true, fault: null },
      hashes,
    )
    return record!
  })
  hashing!.report()
  hashing!.done()
  return { ...published, tree, ...(skipped.length > 0 ? { skipped } : {}) }
}

/** This home's last snapshot of the folder. Files that are unchanged since are not read again. */
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
