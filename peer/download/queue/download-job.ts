import type { Replaceable } from '../disk/replaceable.ts'

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
  /** Whether the finished file is kept in the catalog and seeded. */
  keep: boolean
  /** What the file may replace at its final path. */
  replaceable: Replaceable
  /** The content is already at its path, and only has to be served. */
  isHere: boolean
  /** Set for a snapshot. */
  tree?: TreeJob
}

export interface TreeJob {
  /** Bytes of manifest and footer, according to the tracker. */
  trailer: number
  /** The wanted folder or file of the tree; '' for all of it. */
  part: string
  /** Replaces files of the target that no earlier download put there. */
  force: boolean
}
