/**
 * The records of the metadata, as the store keeps them and the tracker's API hands them out. Times are
 * ISO 8601 UTC, sizes bytes, hashes lower-case hex.
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

/** One published file of a group: the newest version under its name. */
export interface FileRecord {
  name: string
  fileId: string
  size: number
  /** 1 for the first upload under this name, one more for each that replaces it. */
  version: number
  uploader: string
  added: string
}

/**
 * What a change did, in the order of a group's revisions: revision r is the state after event r. Every event
 * carries the full records that it wrote, so that applying one twice does no harm.
 */
export type GroupChange =
  | { type: 'group.created'; owner: string }
  | { type: 'group.removed' }
  | { type: 'member.requested'; user: string }
  | { type: 'member.accepted'; users: string[] }
  | { type: 'member.rejected'; users: string[] }
  /** `heir` is who became the owner where the owner left. */
  | { type: 'member.left'; user: string; heir?: string }
  | { type: 'member.kicked'; users: string[] }
  | { type: 'member.promoted'; user: string; role: Role }
  | { type: 'file.published'; file: FileRecord }
  | { type: 'file.removed'; name: string; fileId: string }

export type GroupEvent = GroupChange & {
  group: string
  revision: number
  at: string
  /** The user who made the change. */
  by: string
}

/** Where a peer listens and what it proves itself with. */
export interface PeerAddress {
  /** SHA-256 of the peer's certificate in hex: its identity, and what a fetcher pins. */
  peer: string
  host: string
  port: number
  tls: boolean
}

/** A peer of one file's swarm as the tracker hands it out. */
export interface SwarmPeer extends PeerAddress {
  /** Whether the peer holds the whole file. */
  complete: boolean
}

/** What a peer holds of one file, and moves of it now. */
export interface FileProgress {
  group: string
  fileId: string
  /** Chunks. */
  held: number
  /** The shares that it holds of the file's slices (protocol/parts.ts), in base64. */
  parts: string
  /** Bytes a second. */
  down: number
  up: number
}

/** All that one peer moves now. */
export interface ProgressReport {
  peer: string
  user: string
  files: readonly FileProgress[]
}
