import { createHash } from 'node:crypto'
import { ShoalError } from '../../protocol/errors.ts'
import { isBelow } from '../../protocol/names.ts'
import type { FileRecord, TreeSummary } from '../../protocol/records.ts'
import type { DownloadRequest, TreeRequest } from '../control/api.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** The job of a request. All requests for the same file at the same path have the same job id. */
export function jobOf(
  request: DownloadRequest,
  { name, fileId, size }: { name: string; fileId: string; size: number },
  path: string,
): Omit<DownloadJob, 'group'> {
  const { sequential, maxDown, waitMs, output } = request
  const id = createHash('sha256').update(`${fileId}\0${path}`).digest('hex').slice(0, 32)
  return {
    id,
    name,
    fileId,
    size,
    path,
    sequential: sequential || output === null,
    maxDown,
    waitMs,
    keep: output !== null,
    force: request.force ?? false,
    ...(request.mirror ? { repairs: true } : {}),
  }
}

/** The job for a snapshot or a part of it. It decides what it may replace once it knows the tree. */
export function treeJob(
  job: DownloadJob,
  request: DownloadRequest,
  file: FileRecord & { tree: TreeSummary },
): DownloadJob {
  const part = isBelow(request.name, file.name) ? request.name.slice(file.name.length + 1) : ''
  const { mirror } = request
  const options = mirror ? `\0${JSON.stringify(mirror)}` : ''
  const id = createHash('sha256').update(`${job.id}\0${part}${options}`).digest('hex').slice(0, 32)
  const keep = job.keep && !mirror?.dryRun
  return { ...job, id, keep, tree: { trailer: file.tree.trailer, part, ...(mirror ? { mirror } : {}) } }
}

/** The job that fetches a snapshot's manifest, and nothing else, to `path`. */
export function manifestJob(request: TreeRequest, path: string): DownloadJob {
  const { group, name, fileId, size, trailer, waitMs } = request
  const id = createHash('sha256').update(`${fileId}\0${path}`).digest('hex').slice(0, 32)
  return {
    ...{ id, group, name, fileId, size, path, waitMs, tree: { trailer, part: '' } },
    ...{ sequential: false, maxDown: 0, keep: false, force: false },
  }
}

/** Throws USAGE unless `files`, those of `name`, can be written to one stream. */
export function checkStreamed(group: string, name: string, files: readonly FileRecord[]): void {
  if (files.length !== 1)
    throw new ShoalError(
      'USAGE',
      `${group}:${name} is ${files.length} files, but standard output takes one`,
      { hint: 'name one file, or a folder to write to with -o' },
    )
  if (files[0]?.tree && !isBelow(name, files[0].name))
    throw new ShoalError('USAGE', `${group}:${name} is a snapshot, but standard output takes one file`, {
      hint: 'name a file in it, or a folder to write to with -o',
    })
}
