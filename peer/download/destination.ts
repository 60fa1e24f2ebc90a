import type { Bitmap } from '../../protocol/bitmap.ts'
import type { DownloadContext } from './context.ts'
import { checkTarget, type Found } from './disk/overwriting.ts'
import { type Leftover, PartFile } from './disk/part-file.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** Where a download writes, and how much of the content it wants. */
export interface Destination {
  /** Checks the final path before the download. */
  look(signal: AbortSignal): Promise<Found>
  open(): Promise<[PartFile, Leftover]>
  /** The wanted chunks; null for all. */
  wanted: Bitmap | null
  /** Bytes of the wanted chunks. */
  bytes: number
  /** Puts what this home has elsewhere into the open part, and calls `found` for each chunk that is complete and right. */
  reuse?(
    hashes: Uint8Array,
    settled: Bitmap,
    found: (chunk: number, path: string) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Chunks that another download of the same content has fetched and counted. */
  fetched?: ReadonlyMap<number, Uint8Array>
  /** Whether it is served to others while it runs. */
  serves: boolean
  /** Adds the complete download to the catalog and serves it. */
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
