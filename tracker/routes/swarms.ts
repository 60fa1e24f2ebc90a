import { HASH_SIZE } from '../../protocol/chunking.ts'
import { MAX_INLINE_HASHES } from '../../tracker-client/api/limits.ts'
import { JoinedSwarms, JoinSwarms } from '../../tracker-client/api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import { plainAddress } from '../presence/addresses.ts'
import { handedOut } from '../presence/handed-out.ts'
import type { Services } from '../services.ts'
import { AtRevision, checkContents, InGroup, viewAsMember } from './common.ts'

/** Joins swarms of several files at once: returns grants, peers and, for short files, chunk hashes. */
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
      const { peer, fileIds, hashes, plain = false } = request.body
      const { view } = await viewAsMember(store, request, reply, group)
      await checkContents(store, view, fileIds)
      const { user } = actorOf(request)
      const host = plainAddress(request.ip)
      const here = plainAddress(request.socket.localAddress ?? '')
      const peers = await handedOut(presence, { peer, host, here, view, fileIds, plain })
      const join = async (fileId: string) => {
        const grant = await grants.sign(user, group, fileId, peer)
        const inline = hashes ? await inlineHashes(group, fileId) : undefined
        return {
          fileId,
          grant: grant.token,
          expires: grant.expires.toISOString(),
          peers: peers.get(fileId) ?? [],
          ...(inline === undefined ? {} : { hashes: inline }),
        }
      }
      const swarms = await Promise.all(fileIds.map(join))
      presence.joins(peer, user, group, fileIds)
      return { swarms }
    },
  )

  /** All hashes in base64, if they are few. */
  async function inlineHashes(group: string, fileId: string): Promise<string | undefined> {
    const bytes = await store.hashes.read(group, fileId, 0, MAX_INLINE_HASHES + 1)
    return bytes.length <= MAX_INLINE_HASHES * HASH_SIZE ? bytes.toString('base64') : undefined
  }
}
