import { chunkCount } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { partCount } from '../../protocol/parts.ts'
import type { FileProgress, FileRecord } from '../../protocol/records.ts'
import { MovingSwarms, Progress, Progressed, SwarmPicture } from '../../tracker-client/api/schemas.ts'
import type { GroupView } from '../../tracker-store/groups/group-view.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import { freshView } from '../fresh-view.ts'
import { memberGroups } from '../member-groups.ts'
import { movingSwarms, swarmPicture } from '../presence/swarm-picture.ts'
import type { Services } from '../services.ts'
import { AtRevision, contentOf, InGroup, OfFile, viewAsMember } from './common.ts'

/** Peers' reports on their transfers, and the pictures of swarms that members see. */
export function progressRoutes(app: TrackerApp, { store, presence, progress }: Services): void {
  const tags = ['swarms']

  app.post(
    '/progress',
    { config: { access: 'read' }, schema: { tags, body: Progress, response: { 200: Progressed } } },
    async (request) => {
      const { user } = actorOf(request)
      const { peer, files } = request.body
      const taken: FileProgress[] = []
      const mine = await memberGroups(
        store.groups,
        user,
        files.map(({ group }) => group),
      )
      for (const [group, moved] of Map.groupBy(files, (file) => file.group)) {
        if (!mine.has(group)) continue
        const view = await sharedFiles(user, group, moved)
        for (const file of moved) {
          const record = view?.files.ofContent(file.fileId)
          if (record) taken.push(checked(file, record))
        }
      }
      // A peer that has not announced itself here, or last did so for another user, is in none of this user's swarms.
      const isOwn = presence.table.peer(peer)?.user === user
      return { interval: progress.interval(!isOwn || progress.take({ peer, user, files: taken })) }
    },
  )

  app.get(
    '/groups/:group/swarms',
    { schema: { tags, headers: AtRevision, params: InGroup, response: { 200: MovingSwarms } } },
    async (request, reply) => {
      const { view } = await viewAsMember(store, request, reply, request.params.group)
      return movingSwarms(view, progress.table.ofGroup(view.group, Date.now()), (fileId) =>
        presence.table.counts(view.group, fileId),
      )
    },
  )

  app.get(
    '/groups/:group/swarms/:fileId',
    { schema: { tags, headers: AtRevision, params: OfFile, response: { 200: SwarmPicture } } },
    async (request, reply) => {
      const { group, fileId } = request.params
      const { view } = await viewAsMember(store, request, reply, group, ({ files }) =>
        files.hasContent(fileId),
      )
      const { size } = contentOf(view, fileId)
      const chunks = chunkCount(size)
      const peers = presence.table.membersSwarm(view, fileId)
      const reported = progress.table.ofFile(group, fileId, Date.now())
      return { fileId, size, chunks, ...swarmPicture(peers, reported, chunks) }
    },
  )

  /** The group that a report names. Asks Redis once, however many of its files are unknown here. */
  async function sharedFiles(
    user: string,
    group: string,
    moved: readonly FileProgress[],
  ): Promise<GroupView | null> {
    const serves = ({ members, files }: GroupView): boolean =>
      members.has(user) && moved.every(({ fileId }) => files.hasContent(fileId))
    const view = await freshView(store.groups, group, serves)
    return view?.members.has(user) ? view : null
  }
}

function checked(report: FileProgress, { size }: FileRecord): FileProgress {
  const { group, fileId, held, parts, down, up } = report
  const chunks = chunkCount(size)
  const bytes = Buffer.byteLength(parts, 'base64')
  if (held > chunks)
    throw new ShoalError('BAD_REQUEST', `a report cannot hold ${held} chunks of a file of ${chunks}`)
  if (bytes !== partCount(chunks))
    throw new ShoalError('BAD_REQUEST', `parts is ${bytes} bytes long and must be ${partCount(chunks)}`, {
      hint: 'send one byte for each of min(64, chunks) slices of the file, the share held of it, in base64',
    })
  return { group, fileId, held, parts, down, up }
}
