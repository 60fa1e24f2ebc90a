import type { JoinRequest } from '../../protocol/records.ts'
import { SortedMap } from './sorted-map.ts'

/** Users with a record each: members, or requests to become one. Immutable; a change costs little in a large group. */
export interface Roster<T extends JoinRequest> {
  readonly size: number
  has(user: string): boolean
  get(user: string): T | undefined
  /** In the order in which they came, so that all replicas list them alike. */
  values(): Iterable<T>
  /** With this record for its user. */
  with(record: T): Roster<T>
  without(users: Iterable<string>): Roster<T>
}

export class SortedRoster<T extends JoinRequest> implements Roster<T> {
  readonly #byUser: SortedMap<T>
  readonly #byStanding: SortedMap<T>

  private constructor(byUser: SortedMap<T>, byStanding: SortedMap<T>) {
    this.#byUser = byUser
    this.#byStanding = byStanding
  }

  static from<T extends JoinRequest>(records: Iterable<T>): SortedRoster<T> {
    const byUser = new Map<string, T>()
    for (const record of records) byUser.set(record.user, record)
    const byStanding = [...byUser.values()].map((record) => [standing(record), record] as const)
    return new SortedRoster(SortedMap.from(byUser), SortedMap.from(byStanding))
  }

  get size(): number {
    return this.#byUser.size
  }

  has(user: string): boolean {
    return this.get(user) !== undefined
  }

  get(user: string): T | undefined {
    return this.#byUser.get(user)
  }

  *values(): Generator<T> {
    for (const [, record] of this.#byStanding.from('')) yield record
  }

  with(record: T): SortedRoster<T> {
    const before = this.#byUser.get(record.user)
    const others = before === undefined ? this.#byStanding : this.#byStanding.without(standing(before))
    return new SortedRoster(this.#byUser.with(record.user, record), others.with(standing(record), record))
  }

  without(users: Iterable<string>): SortedRoster<T> {
    let [byUser, byStanding] = [this.#byUser, this.#byStanding]
    for (const user of users) {
      const record = byUser.get(user)
      if (record === undefined) continue
      byUser = byUser.without(user)
      byStanding = byStanding.without(standing(record))
    }
    return new SortedRoster(byUser, byStanding)
  }
}

const standing = ({ since, user }: JoinRequest): string => `${since} ${user}`
