import Type from 'typebox'
import { ShoalError } from '../../protocol/errors.ts'
import { filePageText } from '../../tracker-client/api/file-page.ts'
import { BODY } from '../../tracker-client/api/limits.ts'
import { FileList, Publish, Published, RevisionBody } from '../../tracker-client/api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf, mutationOf } from '../auth/authenticate.ts'
import type { Services } from '../services.ts'
import { AtRevision, Change, InGroup, PageOf, revised, viewAsMember } from './common.ts'
import { checkManifests } from './manifest.ts'

const PAGE = 1000
const Named = Type.Object({ name: Type.String({ minLength: 1, maxLength: 1024 }) })
const Prefix = Type.Optional(Type.String({ maxLength: 1024 }))

export function fileRoutes(app: TrackerApp, { store, presence }: Services): void {
  const tags = ['files']

  app.get(
    '/groups/:group/files',
    {
      schema: {
        tags,
        headers: AtRevision,
        params: InGroup,
        querystring: Type.Object({ ...PageOf(PAGE), prefix: Prefix }),
        response: { 200: FileList },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      const { prefix = '', after = '', limit = PAGE } = request.query
      const { view } = await viewAsMember(
        store,
        request,
        reply,
        group,
        ({ files }) => prefix === '' || after !== '' || files.page(prefix, '', 1).length > 0,
      )
      const page = view.files.page(prefix, after, limit)
      const next = page.length === limit ? (page.at(-1)?.name ?? null) : null
      const countsOf = (fileId: string) => presence.table.counts(group, fileId)
      const text = filePageText({ files: page, countsOf, next, revision: view.revision })
      // Fastify sends a string as it is; the type of the route expects a record.
      return reply.type('application/json; charset=utf-8').send(text as unknown as FileList)
    },
  )

  app.post(
    '/groups/:group/files',
    {
      bodyLimit: BODY.publish,
      schema: { tags, headers: Change, params: InGroup, body: Publish, response: { 200: Published } },
    },
    async (request, reply) => {
      const { group } = request.params
      const mutation = mutationOf(request)
      try {
        await viewAsMember(store, request, reply, group)
        const files = await checkManifests(store.hashes, group, actorOf(request).user, request.body.files)
        return revised(reply, await store.groups.publish(mutation, group, files))
      } catch (error) {
        if (!(error instanceof ShoalError) || error.kind === 'busy') throw error
        // A refused publish may have succeeded before, and only its answer was lost.
        const before = await store.groups.publishedBefore(mutation, group)
        if (before === null) throw error
        return revised(reply, before)
      }
    },
  )

  app.delete(
    '/groups/:group/files',
    {
      schema: {
        tags,
        headers: Change,
        params: InGroup,
        querystring: Named,
        response: { 200: RevisionBody },
      },
    },
    async (request, reply) => {
      const { group } = request.params
      return revised(reply, await store.groups.removeFile(mutationOf(request), group, request.query.name))
    },
  )
}
