import { stat } from 'node:fs/promises'
import { chunkCount, HASH_SIZE } from '../../protocol/chunking.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { checkFileName } from '../../protocol/names.ts'
import type { FileRecord, TreeSummary } from '../../protocol/records.ts'
import { diff } from '../../protocol/tree/diff.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { ProgressListener, SnapshotChanges, SnapshotRequest, UploadedFile } from '../control/api.ts'
import { HashProgress } from '../hash/progress.ts'
import { type Earlier, makeSnapshot } from '../tree/snapshot.ts'
import type { UploadContext } from './context.ts'
import { publishHashed } from './publish.ts'

/**
 * Publishes a folder as one snapshot, and serves it in place. The group gets all of it in one change, or nothing; a
 * content that is its newest version makes no new one. With `dryRun`, nothing is published or served: the result tells
 * what would be. Throws the errors of makeSnapshot, and the tracker's refusals.
 */
export async function uploadSnapshot(
  context: UploadContext,
  group: string,
  request: SnapshotRequest & { dryRun: boolean },
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
  const earlier = earlierOf(context, path)
  let hashing: HashProgress | null = null
  const told = {
    earlier,
    begin: (files: number, bytes: number): void => {
      hashing = new HashProgress(name, bytes, files, progress)
    },
    progress: (bytes: number): void => hashing?.hashed(bytes),
  }
  const { pool, store } = context.trees
  const snapshot = await makeSnapshot(path, request, pool, told, signal)
  const { index, trailer, hashes, fileId, size, skipped } = snapshot
  const tree = summaryOf(index)
  const newest = await newestOf(context, group, name)
  const isUnchanged = newest?.fileId === fileId
  const left = skipped.length > 0 ? { skipped } : {}
  if (request.dryRun) {
    const version = isUnchanged ? newest.version : (newest?.version ?? 0) + 1
    hashing!.done()
    const planned = { name, fileId, size, chunks: chunkCount(size), version, tree, isUnchanged }
    return { ...planned, changes: changesOf(earlier?.index ?? null, index), ...left }
  }
  const { mtimeNs, ino } = folder
  const published = await store.whileUsed([fileId], async () => {
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
  return { ...published, tree, isUnchanged, ...left }
}

async function newestOf({ client }: UploadContext, group: string, name: string): Promise<FileRecord | null> {
  const { files } = await client.files(group, { prefix: name, limit: 1 })
  return files.find((file) => file.name === name) ?? null
}

/** Times of folders do not count: they change with what is in them. */
function changesOf(earlier: TreeIndex | null, index: TreeIndex): SnapshotChanges {
  const changes: SnapshotChanges = { added: [], changed: [], removed: [] }
  if (!earlier) return { ...changes, added: Array.from({ length: index.count }, (_, i) => index.path(i)) }
  for (const change of diff(earlier, index)) {
    if (change.change === 'removed') changes.removed.push(earlier.path(change.before))
    else if (change.change === 'added') changes.added.push(index.path(change.after))
    else if (!index.isFolder(change.after) || change.properties.some((property) => property !== 'mtime'))
      changes.changed.push(index.path(change.after))
  }
  return changes
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
