import type { FileRecord, TagChange, TagRecord } from '../protocol/records.ts'
import type { Selector } from '../protocol/selector.ts'
import type { Mutation, Revised } from './mutation.ts'

/**
 * The versions of each file and their tags. Of each name the newest 1,000 versions are kept and every tagged one, with
 * their chunk hashes; a removed file has none, and one that is published again begins with version 1. Views hold only
 * the newest version, so every method reads Redis. Throws STORE_UNAVAILABLE.
 */
export interface VersionStore {
  /** Up to `limit` kept versions older than version `before`, newest first. Null if there is no such file. */
  list(group: string, name: string, limit: number, before?: number): Promise<FileRecord[] | null>
  /**
   * The kept version that `selector` means; of several with the same content, the newest. Throws FILE_NOT_FOUND, and
   * VERSION_NOT_FOUND also if several contents begin with the given hash.
   */
  find(group: string, name: string, selector: Selector): Promise<FileRecord>
  /** Those of `fileIds` that are the content of a kept version of any name. */
  contents(group: string, fileIds: readonly string[]): Promise<Set<string>>

  /** The tags of a file, in byte order. */
  tags(group: string, name: string): Promise<TagRecord[]>
  /** Changes of the file's tags, or of one, newest first: the newest 100 of each, and 1,000 of all. */
  tagHistory(group: string, name: string, tag?: string): Promise<TagChange[]>
  /**
   * Makes `tag` name this version, whatever it named before; only the newest version's uploader or an admin may. Throws
   * GROUP_NOT_FOUND, NOT_A_MEMBER, NOT_AN_ADMIN, FILE_NOT_FOUND, VERSION_NOT_FOUND, TOO_MANY_TAGS.
   */
  tag(
    mutation: Mutation,
    group: string,
    name: string,
    version: number,
    tag: string,
  ): Promise<Revised & { tag: TagRecord }>
  /** Throws what `tag` throws; VERSION_NOT_FOUND if there is no such tag. */
  untag(mutation: Mutation, group: string, name: string, tag: string): Promise<Revised>
}
