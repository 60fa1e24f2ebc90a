import type { ShoalError } from '../../protocol/errors.ts'
import type { TreeSummary } from '../../protocol/records.ts'

/**
 * What a command asks of its home's peer, whether that runs in the same process (`--once`) or behind the
 * control socket: the same interface, so that commands do not care (peer/node.ts, peer/control/client.ts).
 */
export interface Peer {
  upload(request: UploadRequest, progress: ProgressListener, signal: AbortSignal): Promise<UploadResult>
  download(request: DownloadRequest, progress: ProgressListener, signal: AbortSignal): Promise<DownloadResult>
  verify(request: VerifyRequest, progress: ProgressListener, signal: AbortSignal): Promise<VerifyResult>
  status(): Promise<PeerStatus>
}

export interface UploadRequest {
  group: string
  /** Absolute paths of regular files, and the names that they get in the group. */
  files: { path: string; name: string }[]
  /** Folders, each of which becomes one snapshot. */
  folders?: SnapshotRequest[]
}

/** A folder to publish as a snapshot (peer/tree/snapshot.ts has the options). */
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

export interface UploadResult {
  files: UploadedFile[]
}

export interface UploadedFile {
  name: string
  fileId: string
  size: number
  chunks: number
  version: number
  /** Of a snapshot. */
  tree?: TreeSummary
  /** Paths that a snapshot leaves out: sockets, pipes and devices. */
  skipped?: string[]
}

export interface DownloadRequest {
  group: string
  /** A file, or a folder prefix ('' for all of the group). */
  name: string
  /**
   * Absolute path of the file or folder to write; a folder when it exists as one or `name` is a prefix.
   * null: the bytes are wanted in order, and the reader follows `chunk` events on a temporary file, which is
   * the result's path and the reader's to remove.
   */
  output: string | null
  /** Bytes a second, 0 for no limit. */
  maxDown: number
  maxUp: number
  sequential: boolean
  /** Milliseconds to wait for a peer that serves the file before NO_PEER; 0 waits not at all. */
  waitMs: number
  /** Replaces whatever file is at the target, instead of refusing one that is no earlier download of the same. */
  force?: boolean
}

export interface DownloadedFile {
  name: string
  fileId: string
  size: number
  path: string
  seconds: number
  bytesFetched: number
  bytesReused: number
  /** Files of this machine that the reused bytes came from: a few of them. */
  reusedFrom: string[]
  peers: { peer: string; bytes: number }[]
}

export interface DownloadResult {
  files: DownloadedFile[]
}

export interface VerifyRequest {
  /** A file, or a folder prefix; null for all that the home holds. */
  target: { group: string; name: string } | null
}

export interface VerifiedFile {
  group: string
  name: string
  fileId: string
  size: number
  path: string
  /** damaged: some chunks are others; changed: of another size, or written to meanwhile. */
  state: 'ok' | 'damaged' | 'changed' | 'missing'
  /** Chunks that do not match their hashes. */
  damaged: number
}

export interface VerifyResult {
  files: VerifiedFile[]
}

/**
 * What a download says of a peer: it takes part; it keeps this side waiting, so that others are asked for its
 * chunks too; it failed and is tried again later; it sent what no honest peer does and is never asked again.
 */
export type PeerState = 'joined' | 'late' | 'left' | 'banned'

/** One NDJSON line each with `--progress ndjson`. Rates are bytes a second, eta seconds. */
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
  /** For `output: null`: all bytes of [0, upTo) can be read from `path`. */
  | { event: 'chunk'; name: string; path: string; upTo: number }
  | { event: 'done'; name: string; path?: string }
  | ({ event: 'error' } & ReturnType<ShoalError['toJSON']>)

export type ProgressListener = (event: ProgressEvent) => void

export interface PeerStatus {
  peer: string
  url: string | null
  pid: number | null
  seeding: { group: string; name: string; fileId: string; size: number; path: string; fault?: string }[]
  downloads: { id: string; name: string; size: number; done: number; rate: number }[]
}
