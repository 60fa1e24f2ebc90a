import type { ShoalError } from '../../protocol/errors.ts'
import type { TreeSummary } from '../../protocol/records.ts'

/**
 * The peer of a home, as commands use it: in the same process (`--once`, peer/node.ts) or behind the control socket
 * (peer/control/client.ts).
 */
export interface Peer {
  upload(request: UploadRequest, progress: ProgressListener, signal: AbortSignal): Promise<UploadResult>
  download(request: DownloadRequest, progress: ProgressListener, signal: AbortSignal): Promise<DownloadResult>
  verify(request: VerifyRequest, progress: ProgressListener, signal: AbortSignal): Promise<VerifyResult>
  /** Puts the tree of a snapshot into the home's tree store. Fetches its manifest, and no contents, if needed. */
  tree(request: TreeRequest, progress: ProgressListener, signal: AbortSignal): Promise<TreeResult>
  status(): Promise<PeerStatus>
}

export interface UploadRequest {
  group: string
  /** Absolute paths of regular files, and their names in the group. */
  files: { path: string; name: string }[]
  /** Folders, published as one snapshot each. */
  folders?: SnapshotRequest[]
  /** Makes the snapshots and publishes nothing. Only for folders. */
  dryRun?: boolean
}

/** A folder to publish as a snapshot (peer/tree/snapshot.ts explains the options). */
export interface SnapshotRequest {
  /** Absolute path. */
  path: string
  name: string
  /** Patterns in the syntax of .gitignore. */
  exclude: string[]
  include: string[]
  keepsLinks: boolean
  allowsCollisions: boolean
}

/** Paths in a snapshot. */
export interface SnapshotChanges {
  added: string[]
  changed: string[]
  removed: string[]
}

export interface UploadResult {
  files: UploadedFile[]
}

export interface UploadedFile {
  name: string
  fileId: string
  size: number
  chunks: number
  /** In a dry run the one that it would get. */
  version: number
  /** Whether the group had this content as its newest version already. */
  isUnchanged?: boolean
  /** Of a dry run: the differences from the last snapshot of this folder that this home holds. */
  changes?: SnapshotChanges
  /** Set for a snapshot. */
  tree?: TreeSummary
  /** Paths that the snapshot leaves out: sockets, pipes and devices. */
  skipped?: string[]
}

export interface DownloadRequest {
  group: string
  /** A file, or a folder prefix ('' for the whole group). */
  name: string
  /**
   * Absolute path of the file or folder to write; a folder if it exists as one or `name` is a prefix. null to read the
   * bytes in order: the reader follows `chunk` events on a temporary file, which it removes afterwards. Its path is
   * in the result.
   */
  output: string | null
  /** Bytes a second, 0 for no limit. */
  maxDown: number
  maxUp: number
  sequential: boolean
  /** Milliseconds to wait for a peer that serves the file before NO_PEER; 0 does not wait. */
  waitMs: number
  /** Replaces any file at the target. By default only an earlier download of the same file is replaced. */
  force?: boolean
  /** Makes the target equal to the newest version, whatever was done to earlier downloads there. */
  mirror?: MirrorRequest
}

/** How a target is made equal to a file or snapshot. Files that the mirror put there are replaced even if they changed. */
export interface MirrorRequest {
  /** Compares contents. By default a file of a snapshot's size and time is taken to be that file. */
  checksum: boolean
  /** Removes everything in the folder that the snapshot does not have. */
  deletes: boolean
  /** Snapshots that the mirror put there, besides the one of the catalog; and those of updates that did not end. */
  earlier: SnapshotId[]
  begun: SnapshotId[]
  /** Only finds out what would change. The target may be absent. */
  dryRun: boolean
}

export interface SnapshotId {
  fileId: string
  /** Of the stream. */
  size: number
}

/** How a folder differed from a snapshot, or differs in a dry run. Paths relative to the folder. */
export interface TreeChanges {
  /** Files and links that were missing or had other contents. */
  written: string[]
  /** Files with the right contents, but another time or mode. */
  retimed: string[]
  deleted: string[]
  /**
   * What stays, although the snapshot does not have it: with `deletes` FIFOs, sockets, devices and folders of other
   * mirrors, without it files of earlier snapshots.
   */
  kept: string[]
}

export interface DownloadedFile {
  name: string
  fileId: string
  size: number
  path: string
  seconds: number
  bytesFetched: number
  bytesReused: number
  /** Some of the local files that the reused bytes came from. */
  reusedFrom: string[]
  peers: { peer: string; bytes: number }[]
  /** Of a mirrored snapshot. */
  changes?: TreeChanges
}

/** A download that ended. */
export interface DownloadedVersion extends DownloadedFile {
  version: number
}

export interface DownloadResult {
  files: DownloadedVersion[]
}

export interface TreeRequest {
  group: string
  /** Of the snapshot, for messages. */
  name: string
  fileId: string
  /** Bytes of the stream, and of manifest and footer at its end. */
  size: number
  trailer: number
  /** As in DownloadRequest. */
  waitMs: number
}

export interface TreeResult {
  bytesFetched: number
}

export interface VerifyRequest {
  /** A file, or a folder prefix; null for all copies of the home. */
  target: { group: string; name: string } | null
  /** Only separate files below this folder. There need not be any. */
  below?: string
  /** Compares sizes and times with those that are known, and reads no file. */
  quick?: boolean
}

export interface VerifiedFile {
  group: string
  name: string
  fileId: string
  size: number
  path: string
  /** `damaged`: some chunks do not match. `changed`: another size, or written to during the check. */
  state: 'ok' | 'damaged' | 'changed' | 'missing'
  /** Chunks that do not match their hashes. */
  damaged: number
}

export interface VerifyResult {
  files: VerifiedFile[]
}

/**
 * A peer's state in a download. `joined`: it takes part. `late`: it keeps this side waiting, so others are asked for
 * its chunks too. `left`: it failed, and is retried later. `banned`: it sent wrong data, and is never asked again.
 */
export type PeerState = 'joined' | 'late' | 'left' | 'banned'

/** Each is one line with `--progress ndjson`. `rate` is in bytes a second, `eta` in seconds. */
export type ProgressEvent =
  | { event: 'start'; name: string; total: number; files?: number }
  | {
      event: 'progress'
      name: string
      done: number
      total: number
      rate: number
      peers: number
      eta: number | null
    }
  | { event: 'peer'; name: string; peer: string; state: PeerState; reason?: string }
  | { event: 'retry'; name: string; reason: string }
  /** For `output: null`: bytes [0, upTo) of `path` can be read. */
  | { event: 'chunk'; name: string; path: string; upTo: number }
  | { event: 'done'; name: string; path?: string }
  | ({ event: 'error' } & ReturnType<ShoalError['toJSON']>)

export type ProgressListener = (event: ProgressEvent) => void

export interface PeerStatus {
  peer: string
  url: string | null
  pid: number | null
  /** Bytes a second over the last seconds. Missing where no peer runs. */
  rates?: { down: number; up: number }
  /** A row for each copy of a file or snapshot. */
  seeding: SeededCopy[]
  /** `size` is that of the file or stream; `total` the bytes of it that are wanted, of which `done` are here. */
  downloads: { id: string; name: string; size: number; total: number; done: number; rate: number }[]
}

export interface SeededCopy {
  group: string
  name: string
  fileId: string
  size: number
  path: string
  /** Of a snapshot, how many entries its tree has; null if its manifest is gone. */
  entries?: number | null
  /** Why it is no longer served. */
  fault?: string
}
