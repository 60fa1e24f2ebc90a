import type { Bitmap } from '../../protocol/bitmap.ts'
import type { DownloadContext } from './context.ts'
import { type Leftover, PartFile } from './disk/part-file.ts'
import type { DownloadJob } from './queue/download-job.ts'

/** What a download writes to, and how much of the content it wants. */
export interface Destination {
  open(): Promise<[PartFile, Leftover]>
  /** null: all chunks. */
  wanted: Bitmap | null
  /** Chunks of it that are in memory, verified. */
  chunks: ReadonlyMap<number, Uint8Array>
  /** Bytes of the wanted chunks. */
  bytes: number
  /** Whether others are served while it runs. */
  serves: boolean
  /** Remembers the complete download, and serves it. */
  keep(state: { mtimeNs: bigint; ino: bigint }, hashes: Uint8Array): Promise<void>
}

/** A whole file at the job's path. */
export function fileDestination(job: DownloadJob, { seeds }: DownloadContext): Destination {
  const { group, name, fileId, size, path } = job
  return {
    open: () => PartFile.open(path, fileId, size),
    wanted: null,
    chunks: new Map(),
    bytes: size,
    serves: true,
    keep: (state, hashes) => seeds.add({ group, name, fileId, size, path, ...state, fault: null }, hashes),
  }
}
