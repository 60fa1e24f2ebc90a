import { HASH_SIZE } from '../../protocol/chunking.ts'
import type { SwarmPeer } from '../../protocol/records.ts'
import type { GroupView } from '../../tracker-store/group-view.ts'
import { MAX_INLINE_HASHES } from '../api/limits.ts'
import { JoinedSwarms, JoinSwarms } from '../api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import { isLoopback, plainAddress } from '../presence/addresses.ts'
import { handOut } from '../presence/handout-policy.ts'
import type { Services } from '../services.ts'
import { AtRevision, contentOf, InGroup, viewAsMember } from './common.ts'

/** Joining swarms: a grant, peers and, for short files, the chunk hashes, of several files at once. */
export function swarmRoutes(app: TrackerApp, { store, presence, grants }: Services): void {
  app.post(
    '/groups/:group/swarms',
    {
      config: { access: 'read' },
      schema: {
        tags: ['swarms'],
        headers: AtRevision,
        params: InGroup,
        body: JoinSwarms,
        response: { 200: JoinedSwarms },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { peer, fileIds, hashes } = request.body
      const { view } = await viewAsMember(store, request, reply, group, ({ files }) =>
        fileIds.every((fileId) => files.hasContent(fileId)),
      )
      const { user } = actorOf(request)
      const asker = { peer, host: plainAddress(request.ip) }
      const here = plainAddress(request.socket.localAddress ?? '')
      const join = async (fileId: string) => {
        contentOf(view, fileId)
        const grant = await grants.sign(user, group, fileId, peer)
        const inline = hashes ? await inlineHashes(group, fileId) : undefined
        return {
          fileId,
          grant: grant.token,
          expires: grant.expires.toISOString(),
          peers: handOut(membersPeers(view, fileId, here), asker, Math.random),
          ...(inline === undefined ? {} : { hashes: inline }),
        }
      }
      const swarms = await Promise.all(fileIds.map(join))
      presence.joins(peer, user, group, fileIds)
      return { swarms }
    },
  )

  /** All hashes in base64, where they are few. */
  async function inlineHashes(group: string, fileId: string): Promise<string | undefined> {
    const bytes = await store.hashes.read(group, fileId, 0, MAX_INLINE_HASHES + 1)
    return bytes.length <= MAX_INLINE_HASHES * HASH_SIZE ? bytes.toString('base64') : undefined
  }

  /** A peer that announced itself over the loopback interface is reached where the asker reached this machine: at `here`. */
  function* membersPeers(view: GroupView, fileId: string, here: string): Generator<SwarmPeer> {
    for (const [{ peer, host, port, tls }, complete] of presence.table.membersSwarm(view, fileId))
      yield { peer, host: isLoopback(host) ? here : host, port, tls, complete }
  }
}
