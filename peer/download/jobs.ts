import { createHash } from 'node:crypto'
import { isBelow } from '../../protocol/names.ts'
import type { FileRecord, TreeSummary } from '../../protocol/records.ts'
import type { DownloadRequest } from '../control/api.ts'
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
