import type { FileRecord, GroupEvent, JoinRequest, Member } from '../../protocol/records.ts'
import type { Roster } from './roster.ts'

/**
 * A replica's copy of one group at a revision. The store loads it from a snapshot and applies events to it; readers
 * never change it.
 */
export interface GroupView {
  readonly group: string
  readonly revision: number
  readonly created: string
  readonly owner: string
  readonly members: Roster<Member>
  readonly requests: Roster<JoinRequest>
  /** Sorted by name in code unit order. */
  readonly files: FileIndex
}

export interface FileIndex {
  readonly size: number
  get(name: string): FileRecord | undefined
  /** Whether any name in the group has this content. */
  hasContent(fileId: string): boolean
  /** The record of one name that has this content. */
  ofContent(fileId: string): FileRecord | undefined
  /** Up to `limit` files after the name `after` that are `prefix` or below it. */
  page(prefix: string, after: string, limit: number): FileRecord[]
  /** A copy with this file under its name. */
  with(file: FileRecord): FileIndex
  /** A copy without the file of this name. */
  without(name: string): FileIndex
}

/**
 * Applies the next event without changing `view`, which readers may keep as long as they like. Null is a group that
 * does not exist: not yet created, or removed.
 */
export type ApplyEvent = (view: GroupView | null, event: GroupEvent) => GroupView | null
