import { ShoalError } from '../protocol/errors.ts'
import type { Target } from '../protocol/names.ts'
import type { FileRecord, TreeSummary } from '../protocol/records.ts'
import type { TreeIndex } from '../protocol/tree/tree-index.ts'
import type { TrackerClient } from '../tracker-client/client.ts'
import { resolveFiles } from './download/disk/targets.ts'
import { TreeStore } from './tree/tree-store.ts'

/** A snapshot of a group, and a path in its tree; '' for all of it. */
export interface SnapshotPath {
  group: string
  file: FileRecord & { tree: TreeSummary }
  path: string
}

/**
 * The snapshot that a target means: GROUP:NAME[@VERSION][/PATH]. Throws USAGE where that is no snapshot,
 * FILE_NOT_FOUND and VERSION_NOT_FOUND.
 */
export async function findSnapshot(client: TrackerClient, { group, name }: Target): Promise<SnapshotPath> {
  const resolved = await resolveFiles(client, group, name)
  const [file] = resolved.files
  if (resolved.files.length === 1 && file?.tree)
    return { group, file: { ...file, tree: file.tree }, path: resolved.name.slice(file.name.length + 1) }
  const kind = file?.name === resolved.name ? 'one file' : 'a folder of separate files'
  throw new ShoalError('USAGE', `${group}:${name} is ${kind}, not a snapshot`, {
    hint: `see what there is: shoal group files ${group}`,
  })
}

/** The tree of a snapshot whose manifest this home has; else null. */
export function treeOfHome(home: string, { fileId, size }: FileRecord): TreeIndex | null {
  return new TreeStore(home).load(fileId, size)?.index ?? null
}
