import { setTimeout as delay } from 'node:timers/promises'
import type { Background } from '../../packed/background.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import type { Library } from '../serve/library.ts'
import type { Memberships } from '../serve/memberships.ts'
import type { Seeds } from '../serve/seeds.ts'
import { steadyNow } from '../wire/steady-clock.ts'

const RETRY_MS = 2000
/** How often to check whether this peer's user, who lost the membership of a group, is a member again. */
const REJOIN_MS = 10_000

/**
 * Follows the members and files of the groups that this peer shares files with. So a removed member is cut off at
 * once, not only when the grant ends, and a removed file is no longer served.
 */
export class MembershipWatch {
  readonly #client: TrackerClient
  readonly #library: Library
  readonly #memberships: Memberships
  readonly #seeds: Seeds
  readonly #failed: (error: unknown) => void
  readonly #followed = new Set<string>()
  readonly #stop = new AbortController()

  constructor(
    client: TrackerClient,
    library: Library,
    memberships: Memberships,
    seeds: Seeds,
    background: Background,
  ) {
    this.#client = client
    this.#library = library
    this.#memberships = memberships
    this.#seeds = seeds
    this.#failed = background.owner(
      'following the members of a group',
      'who left is served until their grant ends',
      (error) => error instanceof ShoalError,
    )
  }

  start(): void {
    this.#library.onChange(() => this.#update())
    this.#update()
  }

  stop(): void {
    this.#stop.abort()
  }

  #update(): void {
    for (const { groups } of this.#library.values())
      for (const group of groups) {
        if (this.#followed.has(group)) continue
        this.#followed.add(group)
        this.#follow(group).catch(this.#failed)
      }
  }

  async #follow(group: string): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const pause = await this.#followOnce(group).catch((error: unknown) => this.#lost(group, error))
      await delay(pause, undefined, { signal }).catch(() => {})
    }
  }

  async #followOnce(group: string): Promise<number> {
    const { signal } = this.#stop
    const begun = performance.now()
    const { revision, members } = await this.#client.group(group)
    const users = members.map(({ user }) => user)
    // The answer may have corrected the clock.
    const askedAt = (steadyNow() - (performance.now() - begun)) / 1000
    this.#memberships.sync(group, users, askedAt)
    for await (const event of this.#client.events(group, revision, signal)) this.#apply(event)
    return RETRY_MS
  }

  /** Serves nobody if the user is not a member or the group is gone. In other cases grants still expire. */
  #lost(group: string, error: unknown): number {
    this.#failed(error)
    const code = error instanceof ShoalError ? error.code : null
    if (code !== 'NOT_A_MEMBER' && code !== 'GROUP_NOT_FOUND') return RETRY_MS
    this.#memberships.close(group)
    return REJOIN_MS
  }

  #apply(event: GroupEvent): void {
    const { group } = event
    const at = Math.ceil(Date.parse(event.at) / 1000)
    const memberships = this.#memberships
    if (event.type === 'member.accepted') memberships.accepted(group, event.users)
    if (event.type === 'member.kicked') memberships.removed(group, event.users, at)
    if (event.type === 'member.left') memberships.removed(group, [event.user], at)
    if (event.type === 'group.removed') memberships.close(group)
    if (event.type === 'file.published') memberships.published(group, event.file.fileId)
    if (event.type === 'file.removed') {
      for (const fileId of [event.fileId, ...(event.older ?? [])]) {
        memberships.withdrawn(group, fileId, at)
        this.#seeds.forget(group, event.name, fileId)
      }
    }
  }
}
