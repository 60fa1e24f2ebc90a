import type { DownloadedFile, ProgressListener } from '../control/api.ts'
import type { Download } from './download.ts'
import type { SnapshotDownload } from './snapshot-download.ts'

/** A command that waits for a download. */
export interface Waiter {
  progress: ProgressListener
  resolve(file: DownloadedFile): void
  reject(error: unknown): void
}

/** One attempt at one download in this process. */
export interface Task {
  id: string
  run: string
  /** The resolved path that it writes, so that two names of one file collide. */
  place: string
  waiters: Set<Waiter>
  abort: AbortController
  download: Download | SnapshotDownload | null
  /** Its run. The queue hands out a job again if this process sleeps longer than the job's lock. */
  running: Promise<'done' | 'parked'> | null
  ended: Promise<void>
  end(): void
  /** Settles when an earlier, abandoned attempt at the same download has closed its part file. */
  after: Promise<void>
}
