import { chunkCount, HASH_SIZE } from '../../protocol/chunking.ts'
import type { FileRecord, GroupEvent, Role } from '../../protocol/records.ts'
import { type Database, tolerateOutage } from '../database.ts'
import { groupIdempotencyKey, groupKeys } from '../keys.ts'
import type { GroupStore, GroupSummary, GroupTotals, Mutation, NewFile, Revised } from '../store.ts'
import { turn } from '../turns.ts'
import { changeGroup, FILE_KEYS } from './change-group.ts'
import { GroupDirectory } from './directory.ts'
import { follow } from './follow.ts'
import type { GroupFeed } from './group-feed.ts'
import type { GroupView } from './group-view.ts'
import type { Views } from './views.ts'

/** Groups looked up in one turn of the event loop. */
const NAMES_A_TURN = 25
const PUBLISH = 'publishFiles'

export class RedisGroups implements GroupStore {
  readonly #db: Database
  readonly #feed: GroupFeed
  readonly #views: Views
  readonly #directory: GroupDirectory

  constructor(db: Database, feed: GroupFeed, views: Views) {
    this.#db = db
    this.#feed = feed
    this.#views = views
    this.#directory = new GroupDirectory(db)
  }

  create(mutation: Mutation, group: string): Promise<Revised> {
    return this.#directory.around(group, () => changeGroup(this.#db, 'createGroup', mutation, group))
  }

  view(group: string, atLeast = 0): Promise<GroupView | null> {
    return this.#views.get(group, atLeast)
  }

  viewHere(group: string): GroupView | null {
    return this.#views.peek(group)
  }

  viewNow(group: string): Promise<GroupView | null> {
    return this.#views.getNow(group)
  }

  async ofMember(user: string, groups: readonly string[]): Promise<string[]> {
    const found: string[] = []
    for (let i = 0; i < groups.length; i += NAMES_A_TURN) {
      await turn()
      const names = groups.slice(i, i + NAMES_A_TURN)
      const isMember = await Promise.all(names.map((name) => this.#isMember(user, name)))
      found.push(...names.filter((_, at) => isMember[at]))
    }
    return found
  }

  /** Compares the exact name, because names that differ only in case share their keys. */
  async #isMember(user: string, group: string): Promise<boolean> {
    const { meta, members } = groupKeys(group)
    // One command for the common case, a group that the user is not in.
    if ((await this.#db.ask((redis) => redis.hexists(members, user))) === 0) return false
    return (await this.#db.ask((redis) => redis.hget(meta, 'name'))) === group
  }

  get views(): { count: number; lag: number } {
    return this.#views
  }

  get viewAge(): number {
    return this.#feed.age
  }

  list(
    after: string,
    limit: number,
    user?: string,
  ): Promise<{ groups: GroupSummary[]; next: string | null }> {
    return this.#directory.list(after, limit, user)
  }

  count(): Promise<number> {
    return this.#directory.count()
  }

  totals(): Promise<GroupTotals> {
    return this.#directory.totals()
  }

  request(mutation: Mutation, group: string): Promise<Revised> {
    return changeGroup(this.#db, 'requestMembership', mutation, group, { keys: ['requests'] })
  }

  accept(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised> {
    return changeGroup(this.#db, 'acceptMembers', mutation, group, {
      keys: ['requests'],
      args: distinct(users),
    })
  }

  reject(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised> {
    return changeGroup(this.#db, 'rejectMembers', mutation, group, {
      keys: ['requests'],
      args: distinct(users),
    })
  }

  async leave(
    mutation: Mutation,
    group: string,
  ): Promise<Revised & { removed: boolean; heir: string | null }> {
    const answer = await changeGroup<Revised & { removed: boolean; heir: string | null }>(
      this.#db,
      'leaveGroup',
      mutation,
      group,
      { keys: [...FILE_KEYS, 'requests'] },
    )
    // The group is already removed. An outage here leaves its name as a hint that others will clean up.
    if (answer.removed) await this.#directory.forget(group).catch(tolerateOutage)
    return answer
  }

  kick(mutation: Mutation, group: string, users: readonly string[]): Promise<Revised> {
    return changeGroup(this.#db, 'kickMembers', mutation, group, { args: distinct(users) })
  }

  promote(mutation: Mutation, group: string, user: string): Promise<Revised & { role: Role }> {
    return changeGroup(this.#db, 'promoteMember', mutation, group, { args: [user] })
  }

  publish(
    mutation: Mutation,
    group: string,
    files: readonly NewFile[],
  ): Promise<Revised & { files: FileRecord[] }> {
    const keys = [...FILE_KEYS, 'stagedPrefix' as const]
    return changeGroup(this.#db, PUBLISH, mutation, group, { keys, args: files.flatMap(fileArguments) })
  }

  async publishedBefore(
    mutation: Mutation,
    group: string,
  ): Promise<(Revised & { files: FileRecord[] }) | null> {
    const key = groupIdempotencyKey(group, PUBLISH, mutation)
    const answer = await this.#db.ask((redis) => redis.get(key))
    // Any other first character means a refusal (lib.lua).
    return answer?.startsWith('{') ? (JSON.parse(answer) as Revised & { files: FileRecord[] }) : null
  }

  removeFile(mutation: Mutation, group: string, name: string): Promise<Revised> {
    return changeGroup(this.#db, 'removeFile', mutation, group, { keys: FILE_KEYS, args: [name] })
  }

  events(group: string, revision: number, signal: AbortSignal): AsyncIterable<GroupEvent> {
    return follow(this.#feed, group, revision, signal)
  }

  onEvent(listener: (event: GroupEvent) => void): void {
    this.#feed.onEvent(listener)
  }
}

const distinct = (users: readonly string[]): string[] => [...new Set(users)]

function fileArguments({
  name,
  fileId,
  size,
  tree,
  hashes,
  stamp = '',
}: NewFile): (string | number | Buffer)[] {
  const inline = hashes && Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength)
  return [
    name,
    fileId,
    size,
    chunkCount(size) * HASH_SIZE,
    inline ? '1' : '0',
    inline ?? stamp,
    tree ? JSON.stringify(tree) : '',
  ]
}
