/** The job of one download, as it stands in the queue. */
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
  /** Whether it may replace any file at its final path. */
  force: boolean
}
