import type { Announced } from '../../tracker-client/api/schemas.ts'

import type { Store } from '../../tracker-store/store.ts'
import { turn } from '../../tracker-store/turns.ts'
import type { Actor } from '../auth/authenticate.ts'
import { memberGroups } from '../member-groups.ts'
import { plainAddress } from './addresses.ts'
import type { AnnounceRequest, Presence } from './presence.ts'
import { countFiles, idsChecked } from './served-files.ts'
import { SLICE } from './swarm-table.ts'

/** Handles announces and heartbeats from both the route and the fast path. Decides in which groups a user's peer counts. */
export class AnnounceHandler {
  readonly #groups: Store['groups']
  readonly #presence: Presence

  constructor({ groups }: Store, presence: Presence) {
    this.#groups = groups
    this.#presence = presence
  }

  /** The answer if everything it needs is in memory, else null. Throws BAD_REQUEST and PEER_UNPROVEN. */
  fromMemory({ user, tokenHash }: Actor, address: string, request: AnnounceRequest): Announced | null {
    if (isLong(request)) return null
    for (const _ of this.#checked(request));
    const groups = new Set<string>()
    for (const { group } of this.#presence.filesOf(request)) {
      if (groups.has(group)) continue
      if (!this.#groups.viewHere(group)?.members.has(user)) return null
      groups.add(group)
    }
    return this.#presence.announce({ user, tokenHash, host: plainAddress(address), groups }, request)
  }

  /** The answer, asking Redis first if need be. Throws BAD_REQUEST and PEER_UNPROVEN. */
  async fromRedis({ user, tokenHash }: Actor, address: string, request: AnnounceRequest): Promise<Announced> {
    if (isLong(request)) await turn()
    for (const _ of this.#checked(request)) await turn()
    const named = this.#presence.filesOf(request).map(({ group }) => group)
    const groups = await memberGroups(this.#groups, user, named)
    const announced = this.#presence.announce(
      { user, tokenHash, host: plainAddress(address), groups },
      request,
    )
    // Answer only once other peers can find this one.
    await this.#presence.table.settled(request.peer)
    return announced
  }

  #checked(request: AnnounceRequest): Iterable<void> {
    return request.files ? idsChecked(request.files, this.#presence.table.peer(request.peer)?.files) : []
  }
}

/** Whether it is handled in slices. */
const isLong = ({ files }: AnnounceRequest): boolean => files !== undefined && countFiles(files) > SLICE
