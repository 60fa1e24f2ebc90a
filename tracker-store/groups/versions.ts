import { ShoalError } from '../../protocol/errors.ts'
import type { FileRecord, TagChange, TagRecord } from '../../protocol/records.ts'
import { type Selector, selectorText } from '../../protocol/selector.ts'
import type { Database } from '../database.ts'
import { groupKeys } from '../keys.ts'
import { scriptError } from '../script-errors.ts'
import type { Mutation, Revised } from '../store.ts'
import type { VersionStore } from '../version-store.ts'
import { changeGroup, FILE_KEYS } from './change-group.ts'
import { newestRows, rowKey } from './rows.ts'

const PAGE = 500
/** More than the scripts keep of a name. */
const ALL = 10_000

/** The newest version is in the hash of files, and older ones are rows of their own (scripts/publishFiles-13.lua). */
export class RedisVersions implements VersionStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(group: string, name: string, limit: number, before = Infinity): Promise<FileRecord[] | null> {
    const newest = await this.#newest(group, name)
    if (newest === null) return null
    if (before <= newest.version) return this.#older(group, name, limit, before)
    return [newest, ...(await this.#older(group, name, limit - 1, newest.version))]
  }

  async find(group: string, name: string, selector: Selector): Promise<FileRecord> {
    // The tag first: one that moves to a version published meanwhile would not be found among the older ones.
    const tag = selector.kind === 'tag' ? await this.#tag(group, name, selector.tag) : null
    const newest = await this.#newest(group, name)
    if (newest === null) throw scriptError('FILE_NOT_FOUND', name, group)
    const found = await this.#select(group, newest, selector, tag)
    if (found) return found
    throw scriptError('VERSION_NOT_FOUND', `${name}@${selectorText(selector)}`, group)
  }

  async contents(group: string, fileIds: readonly string[]): Promise<Set<string>> {
    const counts = await this.#db.ask((redis) => redis.hmget(groupKeys(group).content, ...fileIds))
    return new Set(fileIds.filter((_, i) => counts[i] !== null))
  }

  async tags(group: string, name: string): Promise<TagRecord[]> {
    const tags = await newestRows<TagRecord>(this.#db, groupKeys(group).tags, rowKey(name), ALL)
    return tags.reverse()
  }

  async tagHistory(group: string, name: string, tag?: string): Promise<TagChange[]> {
    const changes = await newestRows<TagChange>(this.#db, groupKeys(group).tagHistory, rowKey(name), ALL)
    return tag === undefined ? changes : changes.filter((change) => change.tag === tag)
  }

  tag(
    mutation: Mutation,
    group: string,
    name: string,
    version: number,
    tag: string,
  ): Promise<Revised & { tag: TagRecord }> {
    const args = [name, version, tag]
    return changeGroup(this.#db, 'tagVersion', mutation, group, { keys: FILE_KEYS, args })
  }

  untag(mutation: Mutation, group: string, name: string, tag: string): Promise<Revised> {
    return changeGroup(this.#db, 'untagVersion', mutation, group, { keys: FILE_KEYS, args: [name, tag] })
  }

  async #tag(group: string, name: string, tag: string): Promise<TagRecord | null> {
    const [found] = await newestRows<TagRecord>(this.#db, groupKeys(group).tags, rowKey(name, tag), 1)
    return found ?? null
  }

  async #select(
    group: string,
    newest: FileRecord,
    selector: Selector,
    tag: TagRecord | null,
  ): Promise<FileRecord | null> {
    switch (selector.kind) {
      case 'latest':
        return newest
      case 'version':
        return this.#version(group, newest, selector.version)
      case 'tag':
        return tag ? this.#version(group, newest, tag.version) : null
      case 'content':
        return this.#ofContent(group, newest, selector.prefix)
    }
  }

  async #version(group: string, newest: FileRecord, version: number): Promise<FileRecord | null> {
    if (version === newest.version) return newest
    const key = rowKey(newest.name, version)
    const [found] = await newestRows<FileRecord>(this.#db, groupKeys(group).versions, key, 1)
    return found ?? null
  }

  async #ofContent(group: string, newest: FileRecord, prefix: string): Promise<FileRecord | null> {
    let found: FileRecord | null = null
    let page = [newest]
    while (page.length > 0) {
      for (const file of page) {
        if (!file.fileId.startsWith(prefix)) continue
        if (found && found.fileId !== file.fileId) throw ambiguous(newest.name, prefix)
        found ??= file
      }
      page = await this.#older(group, newest.name, PAGE, page.at(-1)!.version)
    }
    return found
  }

  async #newest(group: string, name: string): Promise<FileRecord | null> {
    const json = await this.#db.ask((redis) => redis.hget(groupKeys(group).files, name))
    return json === null ? null : (JSON.parse(json) as FileRecord)
  }

  /** Older than `before`, so that a version that has just been replaced is not listed twice. */
  #older(group: string, name: string, limit: number, before: number): Promise<FileRecord[]> {
    if (limit <= 0) return Promise.resolve([])
    return newestRows(this.#db, groupKeys(group).versions, rowKey(name), limit, rowKey(name, before))
  }
}

const ambiguous = (name: string, prefix: string): ShoalError =>
  new ShoalError('VERSION_NOT_FOUND', `several versions of ${name} have an id that begins with ${prefix}`, {
    hint: 'write more digits of the id',
  })
