import type { Member } from '../../protocol/records.ts'
import type { Database } from '../database.ts'
import { GROUP_DIRECTORY, groupKeys } from '../keys.ts'
import type { GroupSummary, GroupTotals } from '../store.ts'

const PAGE = 500

/**
 * The names of all groups. In a cluster it is on another node than the groups, so no script can write both: a name
 * here is a hint, and the group's own keys decide. A name is added before its group is created, so that a crash in
 * between cannot hide the group, and again after it, in case a reader that found no group yet removed the hint.
 * Whoever finds a name without a group removes it.
 */
export class GroupDirectory {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Runs `create`, adding the name before and after it. */
  async around<T>(group: string, create: () => Promise<T>): Promise<T> {
    // Skip a taken name: its case variants would fill the directory.
    if ((await this.#nameOf(group)) === null) await this.#add(group)
    const answer = await create()
    await this.#add(group)
    return answer
  }

  /** Removes the name, unless a group of that name was created meanwhile. */
  async forget(group: string): Promise<void> {
    await this.#db.ask((redis) => redis.zrem(GROUP_DIRECTORY, group))
    if ((await this.#nameOf(group)) === group) await this.#add(group)
  }

  count(): Promise<number> {
    return this.#db.ask((redis) => redis.zcard(GROUP_DIRECTORY))
  }

  /** Up to `limit` groups after the name `after`, each with the role of `user`. */
  async list(
    after: string,
    limit: number,
    user?: string,
  ): Promise<{ groups: GroupSummary[]; next: string | null }> {
    const groups: GroupSummary[] = []
    let from = after
    while (groups.length < limit) {
      const wanted = limit - groups.length
      const names = await this.#names(from, wanted)
      const found = await Promise.all(names.map((name) => this.#summary(name, user)))
      groups.push(...found.filter((summary) => summary !== null))
      if (names.length < wanted) return { groups, next: null }
      from = names.at(-1)!
    }
    return { groups, next: from }
  }

  async totals(): Promise<GroupTotals> {
    const totals: GroupTotals = { files: 0, changes: 0, longestStream: 0 }
    for (let names = await this.#names('', PAGE); names.length > 0; ) {
      const counts = await Promise.all(names.map((name) => this.#countsOf(name)))
      for (const [files, changes] of counts) {
        totals.files += files
        totals.changes += changes
        totals.longestStream = Math.max(totals.longestStream, changes)
      }
      names = await this.#names(names.at(-1)!, PAGE)
    }
    return totals
  }

  #countsOf(group: string): Promise<[files: number, changes: number]> {
    const { files, stream } = groupKeys(group)
    return Promise.all([
      this.#db.ask((redis) => redis.hlen(files)),
      this.#db.ask((redis) => redis.xlen(stream)),
    ])
  }

  /** Up to `limit` names after `after`, in byte order. */
  #names(after: string, limit: number): Promise<string[]> {
    const from = after === '' ? '-' : `(${after}`
    return this.#db.ask((redis) => redis.zrangebylex(GROUP_DIRECTORY, from, '+', 'LIMIT', 0, limit))
  }

  async #summary(group: string, user: string | undefined): Promise<GroupSummary | null> {
    const keys = groupKeys(group)
    const [[name, owner], members, files, member] = await Promise.all([
      this.#db.ask((redis) => redis.hmget(keys.meta, 'name', 'owner')),
      this.#db.ask((redis) => redis.hlen(keys.members)),
      this.#db.ask((redis) => redis.hlen(keys.files)),
      user === undefined ? null : this.#db.ask((redis) => redis.hget(keys.members, user)),
    ])
    const role = member === null ? null : (JSON.parse(member) as Member).role
    if (name === group && owner) return { group, owner, members, files, role }
    await this.forget(group)
    return null
  }

  #nameOf(group: string): Promise<string | null> {
    return this.#db.ask((redis) => redis.hget(groupKeys(group).meta, 'name'))
  }

  async #add(group: string): Promise<void> {
    await this.#db.ask((redis) => redis.zadd(GROUP_DIRECTORY, 0, group))
  }
}
