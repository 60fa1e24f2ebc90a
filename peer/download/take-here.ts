import type { DownloadedFile, ProgressEvent } from '../control/api.ts'
import type { DownloadContext } from './context.ts'
import { fileDestination } from './destination.ts'
import { readHere } from './disk/already-here.ts'
import type { DownloadJob } from './queue/download-job.ts'
import { TransferTotals } from './transfer-totals.ts'

/** A download whose content is at its path already: only serves it. Throws FILE_CHANGED. */
export async function takeHere(
  job: DownloadJob,
  context: DownloadContext,
  emit: (event: ProgressEvent) => void,
  signal: AbortSignal,
): Promise<DownloadedFile> {
  const { name, path, size } = job
  const totals = new TransferTotals(job, size)
  emit({ event: 'start', name, total: size })
  const { hashes, ...state } = await readHere(job, context, signal)
  await fileDestination(job, context).keep(state, hashes)
  totals.reusedFrom(path)
  totals.meter.add(size, performance.now())
  totals.endReuse()
  emit(totals.meter.event(performance.now(), 0))
  emit({ event: 'done', name, path })
  return totals.result(path, [])
}
