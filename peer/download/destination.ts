import type { Bitmap } from '../../protocol/bitmap.ts'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { PART_SUFFIX } from '../../protocol/names.ts'
import type { DownloadContext } from './context.ts'
import { checkTarget, type Found } from './disk/overwriting.ts'
import { type Leftover, PartFile } from './disk/part-file.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** A file that somebody reads from front to back while it is downloaded. */
export interface Followed {
  path: string
  /** Bytes of the file that are there when all wanted chunks below `chunk` are. */
  upTo(chunk: number): number
}

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
  /** For a reader that follows the download; null if it is kept. */
  followed?: Followed | null
  /** Chunks that another download of the same content has fetched and counted. */
  fetched?: ReadonlyMap<number, Uint8Array>
  /** Whether it is served to others while it runs. */
  serves: boolean
  /** Adds the complete download to the catalog and serves it. */
  keep(state: { mtimeNs: bigint; ino: bigint }, hashes: Uint8Array): Promise<void>
}

/** A whole file at the job's path. */
export function fileDestination(job: DownloadJob, context: DownloadContext): Destination {
  const { group, name, fileId, size, path, keep } = job
  const upTo = (chunk: number): number => Math.min(size, chunk * CHUNK_SIZE)
  return {
    followed: keep ? null : { path: path + PART_SUFFIX, upTo },
    look: (signal) => checkTarget(job, context, signal),
    open: () => PartFile.open(path, fileId, size),
    wanted: null,
    bytes: size,
    serves: true,
    keep: (state, hashes) =>
      context.seeds.add({ group, name, fileId, size, path, ...state, fault: null }, hashes),
  }
}
