import { join } from 'node:path'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { PART_SUFFIX } from '../../protocol/names.ts'
import { bytesBefore } from '../../protocol/tree/layout.ts'
import { isSingle, selectPart, TreePlan } from '../tree/plan.ts'
import type { TreeCopies } from '../tree/tree-copy.ts'
import type { Destination } from './destination.ts'
import { openTreePart } from './disk/tree-part.ts'
import { TreeStorage } from './disk/tree-storage.ts'
import { newTarget } from './disk/tree-target.ts'
import type { FetchedTree } from './manifests.ts'
import type { DownloadJob } from './queue/download-job.ts'

/**
 * A file of a snapshot for a reader that follows the download (`-o -`): it is in a folder with the working name of the job's
 * path. Returns its size, too. Throws USAGE if the part is no file.
 */
export function followTreeFile(
  job: DownloadJob,
  part: string,
  { tree: { index, trailer }, chunks }: FetchedTree,
  { trees }: { trees: TreeCopies },
): { destination: Destination; size: number } {
  const { path, group, name } = job
  const selection = selectPart(index, part)
  const { first } = selection
  if (!isSingle(index, selection) || index.kind(first) !== 'file')
    throw new ShoalError('USAGE', `${group}:${name}/${part} is no file, but standard output takes one file`, {
      hint: 'name a file, or a place to write to with -o',
    })
  const plan = new TreePlan(index, selection, () => true)
  const folder = path + PART_SUFFIX
  const target = newTarget(path, folder, { force: false, isSingle: true })
  const storage = new TreeStorage(folder, plan, target, trailer, trees.pool)
  const destination: Destination = {
    look: async () => ({ here: null, replaceable: null }),
    open: () => openTreePart(path, job, storage, plan.chunks.count, plan.bytes),
    followed: {
      path: join(folder, index.name(first)),
      upTo: (chunk) => bytesBefore(index, first, chunk * CHUNK_SIZE),
    },
    fetched: chunks,
    wanted: plan.chunks,
    bytes: plan.bytes,
    serves: false,
    keep: async () => {},
  }
  return { destination, size: index.size(first) }
}
