/**
 * What a download may replace at its final path: a file of exactly this state; nothing (null), so that a file which
 * appears there meanwhile stays; or anything, with --force.
 */
export type Replaceable = FileState | null | 'anything'

/** A file's state, as text because jobs are JSON. */
export interface FileState {
  ino: string
  mtimeNs: string
  size: string
}
