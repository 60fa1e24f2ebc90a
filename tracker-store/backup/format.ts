import type { FileRecord, JoinRequest, Member, TagChange, TagRecord } from '../../protocol/records.ts'
import { SCHEMA_VERSION } from '../schema.ts'
import type { Session, SigningKey } from '../store.ts'

/**
 * A backup is gzip over lines of JSON: a header, the records, and a trailer with the counts and the SHA-256 of all
 * lines before it. docs/operations.md describes it.
 */
export const FORMAT = 'shoal-backup'
/** Incremented when older versions could no longer read a backup, or would damage it. */
export const FORMAT_VERSION = 1

export interface Header {
  format: typeof FORMAT
  version: number
  /** Schema version of the store that was saved. */
  schema: number
  /** Unique to each backup. */
  id: string
  created: string
}

export type BackupRecord =
  /** `meta` is null for a removed group: a new group of that name continues its revisions. */
  | { type: 'group'; group: string; revision: number; meta: { created: string; owner: string } | null }
  | { type: 'members'; group: string; members: Member[] }
  | { type: 'requests'; group: string; requests: JoinRequest[] }
  | { type: 'files'; group: string; files: FileRecord[] }
  /** Replaced ones that are kept. */
  | { type: 'versions'; group: string; versions: FileRecord[] }
  | { type: 'tags'; group: string; tags: TagRecord[] }
  | { type: 'tagHistory'; group: string; changes: TagChange[] }
  | { type: 'hashes'; group: string; pages: HashPage[] }
  | { type: 'user'; record: Record<string, string>; sessions: SavedSession[] }
  | { type: 'keys'; keys: SigningKey[] }

export interface HashPage {
  fileId: string
  /** How many kept versions in the group have this content. */
  names: number
  /** Index of the first chunk. */
  first: number
  /** Packed hashes, base64. */
  hashes: string
}

export interface SavedSession {
  tokenHash: string
  session: Session
}

export interface Counts {
  users: number
  sessions: number
  groups: number
  files: number
}

export interface Trailer {
  type: 'end'
  counts: Counts
  /** SHA-256 of all lines before this one, hex. */
  sha256: string
}

export const headerOf = (id: string, created: string): Header => ({
  format: FORMAT,
  version: FORMAT_VERSION,
  schema: SCHEMA_VERSION,
  id,
  created,
})

export const NOTHING: Counts = { users: 0, sessions: 0, groups: 0, files: 0 }

/** `counts` plus `record`. Removed groups do not count. */
export function tally(counts: Counts, record: BackupRecord): Counts {
  switch (record.type) {
    case 'group':
      return record.meta === null ? counts : { ...counts, groups: counts.groups + 1 }
    case 'files':
      return { ...counts, files: counts.files + record.files.length }
    case 'user':
      return { ...counts, users: counts.users + 1, sessions: counts.sessions + record.sessions.length }
    default:
      return counts
  }
}
