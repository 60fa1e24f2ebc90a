import type { FileRecord, GroupEvent, JoinRequest, Member } from '../../protocol/records.ts'
import type { Roster } from './roster.ts'

/**
 * A replica's copy of one group at a revision, and the pure function that moves it from one revision to the
 * next. The store loads it from a snapshot and feeds it events; readers only look.
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
  /** Whether some name of the group has this content. */
  hasContent(fileId: string): boolean
  /** The record of one of the names that have this content. */
  ofContent(fileId: string): FileRecord | undefined
  /** Up to `limit` files that are `prefix` or lie below it, after the name `after`. */
  page(prefix: string, after: string, limit: number): FileRecord[]
  /** The index with this file under its name. */
  with(file: FileRecord): FileIndex
  /** The index without the file of this name. */
  without(name: string): FileIndex
}

/**
 * Applies the next event, leaving the view as it was: readers may hold one for as long as they like. null
 * stands for a group that does not exist, before its creation or after its removal.
 */
export type ApplyEvent = (view: GroupView | null, event: GroupEvent) => GroupView | null
