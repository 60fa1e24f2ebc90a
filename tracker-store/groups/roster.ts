import type { JoinRequest } from '../../protocol/records.ts'
import { SortedMap } from './sorted-map.ts'

/** One record per user: members or join requests. Immutable; a change is cheap even in a large group. */
export interface Roster<T extends JoinRequest> {
  readonly size: number
  has(user: string): boolean
  get(user: string): T | undefined
  /** Ordered by time of joining, so that all replicas agree. */
  values(): Iterable<T>
  /** A copy with this record for its user. */
  with(record: T): Roster<T>
  without(users: Iterable<string>): Roster<T>
}

export class SortedRoster<T extends JoinRequest> implements Roster<T> {
  readonly #byUser: SortedMap<T>
  readonly #byJoining: SortedMap<T>

  private constructor(byUser: SortedMap<T>, byJoining: SortedMap<T>) {
    this.#byUser = byUser
    this.#byJoining = byJoining
  }

  static from<T extends JoinRequest>(records: Iterable<T>): SortedRoster<T> {
    const byUser = new Map<string, T>()
    for (const record of records) byUser.set(record.user, record)
    const byJoining = [...byUser.values()].map((record) => [joinOrder(record), record] as const)
    return new SortedRoster(SortedMap.from(byUser), SortedMap.from(byJoining))
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
    for (const [, record] of this.#byJoining.from('')) yield record
  }

  with(record: T): SortedRoster<T> {
    const before = this.#byUser.get(record.user)
    const others = before === undefined ? this.#byJoining : this.#byJoining.without(joinOrder(before))
    return new SortedRoster(this.#byUser.with(record.user, record), others.with(joinOrder(record), record))
  }

  without(users: Iterable<string>): SortedRoster<T> {
    let [byUser, byJoining] = [this.#byUser, this.#byJoining]
    for (const user of users) {
      const record = byUser.get(user)
      if (record === undefined) continue
      byUser = byUser.without(user)
      byJoining = byJoining.without(joinOrder(record))
    }
    return new SortedRoster(byUser, byJoining)
  }
}

const joinOrder = ({ since, user }: JoinRequest): string => `${since} ${user}`
