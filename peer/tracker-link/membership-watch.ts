import { setTimeout as delay } from 'node:timers/promises'
import { ShoalError } from '../../protocol/errors.ts'
import type { GroupEvent } from '../../protocol/records.ts'
import type { TrackerClient } from '../../tracker/client/client.ts'
import type { GrantVerifier } from '../serve/grant-verifier.ts'
import type { Library } from '../serve/library.ts'
import type { Seeds } from '../serve/seeds.ts'

const RETRY_MS = 2000

/**
 * Follows the changes of the groups that this peer shares files with, so that a member who left or was
 * removed is refused at once, not only when the grants run out, and a removed file is no longer served.
 */
export class MembershipWatch {
  readonly #client: TrackerClient
  readonly #library: Library
  readonly #grants: GrantVerifier
  readonly #seeds: Seeds
  readonly #followed = new Set<string>()
  readonly #stop = new AbortController()

  constructor(client: TrackerClient, library: Library, grants: GrantVerifier, seeds: Seeds) {
    this.#client = client
    this.#library = library
    this.#grants = grants
    this.#seeds = seeds
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
        void this.#follow(group)
      }
  }

  async #follow(group: string): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const { revision } = await this.#client.group(group)
        for await (const event of this.#client.events(group, revision, signal)) this.#apply(event)
      } catch (error) {
        // No session or no tracker: grants still run out by themselves. No group or no member: the end.
        const kind = error instanceof ShoalError ? error.kind : null
        if (kind === 'forbidden' || kind === 'not-found') {
          this.#followed.delete(group)
          return
        }
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }

  #apply(event: GroupEvent): void {
    const at = Math.ceil(Date.parse(event.at) / 1000)
    if (event.type === 'member.kicked')
      for (const user of event.users) this.#grants.revoke(event.group, user, at)
    if (event.type === 'member.left') this.#grants.revoke(event.group, event.user, at)
    if (event.type === 'file.removed') this.#seeds.forget(event.group, event.name, event.fileId)
  }
}
