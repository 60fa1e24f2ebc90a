import type { Replaceable } from '../disk/replaceable.ts'

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
  /** What the file may replace at its final path. */
  replaceable: Replaceable
  /** The content is at its path already: it only has to be served. */
  isHere: boolean
  /** Of a snapshot. */
  tree?: TreeJob
}

export interface TreeJob {
  /** Bytes of manifest and footer, as the tracker tells. */
  trailer: number
  /** The folder or file of the tree that is wanted; '' for all of it. */
  part: string
  /** Replaces files of the target that are no earlier download. */
  force: boolean
}
