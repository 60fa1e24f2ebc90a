import type { Bitmap } from '../../protocol/bitmap.ts'
import type { DownloadContext } from './context.ts'
import { checkTarget, type Found } from './disk/overwriting.ts'
import { type Leftover, PartFile } from './disk/part-file.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** What a download writes to, and how much of the content it wants. */
export interface Destination {
  /** What is at the final path, before anything is fetched. */
  look(signal: AbortSignal): Promise<Found>
  open(): Promise<[PartFile, Leftover]>
  /** null: all chunks. */
  wanted: Bitmap | null
  /** Bytes of the wanted chunks. */
  bytes: number
  /** Whether others are served while it runs. */
  serves: boolean
  /** Remembers the complete download, and serves it. */
  keep(state: { mtimeNs: bigint; ino: bigint }, hashes: Uint8Array): Promise<void>
}

/** A whole file at the job's path. */
export function fileDestination(job: DownloadJob, context: DownloadContext): Destination {
  const { group, name, fileId, size, path } = job
  return {
    look: (signal) => checkTarget(job, context, signal),
    open: () => PartFile.open(path, fileId, size),
    wanted: null,
    bytes: size,
    serves: true,
    keep: (state, hashes) =>
      context.seeds.add({ group, name, fileId, size, path, ...state, fault: null }, hashes),
  }
}
