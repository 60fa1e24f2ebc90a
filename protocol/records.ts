/**
 * Metadata records, as the store keeps them and the tracker's API returns them. Times are ISO 8601 UTC, sizes
 * are bytes, hashes are lower-case hex.
 */
export type Role = 'owner' | 'admin' | 'member'

export interface Member {
  user: string
  role: Role
  since: string
}

export interface JoinRequest {
  user: string
  since: string
}

/** A version of a file or snapshot of a group. Views hold the newest one under each name. */
export interface FileRecord {
  name: string
  fileId: string
  size: number
  /** Starts at 1 and grows with each upload that replaces the file. */
  version: number
  uploader: string
  added: string
  /** Of a snapshot: the file is the stream of a tree (docs/protocol.md). */
  tree?: TreeSummary
}

/** A summary of a snapshot's tree. The tracker takes the publisher's word for it. */
export interface TreeSummary {
  entries: number
  files: number
  /** Sum of the sizes of all files. */
  bytes: number
  /** Bytes of manifest and footer, at the end of the stream: what a download fetches first. */
  trailer: number
}

/** A movable name of one version of a file. */
export interface TagRecord {
  name: string
  tag: string
  version: number
  fileId: string
  /** The user who moved the tag to this version, and the time. */
  by: string
  at: string
}

/** A change of a tag: the versions that it named before and after, null for none. */
export interface TagChange {
  name: string
  tag: string
  revision: number
  from: number | null
  to: number | null
  by: string
  at: string
}

/**
 * A change to a group, in revision order: revision r is the state after event r. Every event carries the full
 * records that it wrote, so applying one twice is harmless.
 */
export type GroupChange =
  | { type: 'group.created'; owner: string }
  | { type: 'group.removed' }
  | { type: 'member.requested'; user: string }
  | { type: 'member.accepted'; users: string[] }
  | { type: 'member.rejected'; users: string[] }
  /** `heir` became the owner when the owner left. */
  | { type: 'member.left'; user: string; heir?: string }
  | { type: 'member.kicked'; users: string[] }
  | { type: 'member.promoted'; user: string; role: Role }
  | { type: 'file.published'; file: FileRecord }
  /** All versions are removed: `fileId` is the newest one's content, `older` are the others'. */
  | { type: 'file.removed'; name: string; fileId: string; older?: string[] }
  /** `from` is the version that had the tag before. */
  | { type: 'file.tagged'; name: string; tag: string; version: number; fileId: string; from: number | null }
  | { type: 'file.untagged'; name: string; tag: string; version: number }

export type GroupEvent = GroupChange & {
  group: string
  revision: number
  at: string
  /** The user who made the change. */
  by: string
}

/** A peer's address and identity. */
export interface PeerAddress {
  /** SHA-256 of the peer's certificate in hex: the peer's identity, which a fetcher pins. */
  peer: string
  host: string
  port: number
  tls: boolean
}

/** A peer of a file's swarm as the tracker hands it out. */
export interface SwarmPeer extends PeerAddress {
  /** Whether the peer holds the whole file. */
  complete: boolean
}

/** A peer's holdings and current transfer of one file. */
export interface FileProgress {
  group: string
  fileId: string
  /** Chunks. */
  held: number
  /** The shares held of the file's slices (protocol/parts.ts), in base64. */
  parts: string
  /** Bytes a second. */
  down: number
  up: number
}

/** All current transfers of one peer. */
export interface ProgressReport {
  peer: string
  user: string
  files: readonly FileProgress[]
}
