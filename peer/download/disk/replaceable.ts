/**
 * What the download may replace at its final path: a file of exactly this state; nothing (null), so that a file which
 * somebody else puts there meanwhile stays; or whatever is there, with --force.
 */
export type Replaceable = FileState | null | 'anything'

/** Of a file, as text: the job that carries it travels as JSON. */
export interface FileState {
  ino: string
  mtimeNs: string
  size: string
}
