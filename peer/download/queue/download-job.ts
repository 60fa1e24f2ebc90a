/** The job of one download, as the queue stores it. */
export interface DownloadJob {
  id: string
  group: string
  name: string
  fileId: string
  size: number
  /** Final path of the file. */
  path: string
  sequential: boolean
  maxDown: number
  waitMs: number
  /** Whether the finished file stays in the catalog and is seeded. */
  keep: boolean
  /** Set for a snapshot. */
  tree?: TreeJob
  /** Whether it may replace any file at its final path. */
  force: boolean
  /** Whether it may replace a file that this home put there and that changed since. */
  repairs?: boolean
}

export interface TreeJob {
  /** Bytes of manifest and footer, as the tracker tells. */
  trailer: number
  /** The folder or file of the tree that is wanted; '' for all of it. */
  part: string
  /** Set for a mirror, as it was requested (peer/control/api.ts). */
  mirror?: {
    checksum: boolean
    deletes: boolean
    earlier: { fileId: string; size: number }[]
    begun: { fileId: string; size: number }[]
    dryRun: boolean
  }
}
