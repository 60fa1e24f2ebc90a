import type { GroupView } from '../../tracker-store/group-view.ts'
import type { Store } from '../../tracker-store/store.ts'
import type { Announced } from '../api/schemas.ts'
import { freshView } from '../fresh-view.ts'
import { plainAddress } from './addresses.ts'
import type { Presence, Said } from './presence.ts'

/** Takes announces and heartbeats in, on whichever way they came: decides what a user's peer counts for in which groups. */
export class Announcing {
  readonly #groups: Store['groups']
  readonly #presence: Presence

  constructor({ groups }: Store, presence: Presence) {
    this.#groups = groups
    this.#presence = presence
  }

  /** The answer where all that it takes is in memory, else null. Throws BAD_REQUEST. */
  here(user: string, address: string, said: Said): Announced | null {
    const groups = new Set<string>()
    for (const { group } of this.#presence.filesOf(said)) {
      if (groups.has(group)) continue
      if (!this.#groups.viewHere(group)?.members.has(user)) return null
      groups.add(group)
    }
    return this.#presence.announce({ user, host: plainAddress(address), groups }, said)
  }

  /** The answer, also where Redis has to be asked for it first. Throws BAD_REQUEST. */
  async ask(user: string, address: string, said: Said): Promise<Announced> {
    const groups = new Set<string>()
    const isMember = ({ members }: GroupView): boolean => members.has(user)
    // Each once: Redis is asked of those that are not in memory, or of which the user is said to be no member.
    for (const group of new Set(this.#presence.filesOf(said).map(({ group }) => group))) {
      const view = await freshView(this.#groups, group, isMember)
      if (view && isMember(view)) groups.add(group)
    }
    return this.#presence.announce({ user, host: plainAddress(address), groups }, said)
  }
}
