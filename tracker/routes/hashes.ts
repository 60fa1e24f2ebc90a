import Type from 'typebox'
import { chunkCount, HASH_SIZE, MAX_FILE_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { BODY, MAX_HASH_PAGE } from '../../tracker-client/api/limits.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf } from '../auth/authenticate.ts'
import type { Services } from '../services.ts'
import { AtRevision, checkContents, Nothing, OfFile, viewAsMember } from './common.ts'

const OCTETS = 'application/octet-stream'
const First = Type.Integer({ minimum: 0, maximum: chunkCount(MAX_FILE_SIZE) })
const Count = Type.Integer({ minimum: 1, maximum: MAX_HASH_PAGE })

/** Chunk hashes of files, in pages of packed bytes. */
export function hashRoutes(app: TrackerApp, { store }: Services): void {
  app.addContentTypeParser(OCTETS, { parseAs: 'buffer', bodyLimit: BODY.hashPage }, (_, body, done) =>
    done(null, body),
  )

  app.put(
    '/groups/:group/hashes/:fileId',
    {
      bodyLimit: BODY.hashPage,
      schema: {
        tags: ['hashes'],
        consumes: [OCTETS],
        headers: AtRevision,
        params: OfFile,
        querystring: Type.Object({ first: First }),
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { group, fileId } = request.params
      const { first } = request.query
      const page = request.body
      if (!Buffer.isBuffer(page) || page.length === 0 || page.length % HASH_SIZE !== 0)
        throw new ShoalError('BAD_REQUEST', `send whole hashes of ${HASH_SIZE} bytes each, as ${OCTETS}`)
      await viewAsMember(store, request, reply, group)
      const { user } = actorOf(request)
      // Refuse gaps, so that nobody makes Redis store a distant page and the zeros before it.
      if (first > 0 && (await store.hashes.staged(group, user, fileId, first - 1, 1)).length === 0)
        throw new ShoalError('BAD_REQUEST', `send the hashes before chunk ${first} first`)
      await store.hashes.stage(group, user, fileId, first, page)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/groups/:group/hashes/:fileId',
    {
      schema: {
        tags: ['hashes'],
        produces: [OCTETS],
        headers: AtRevision,
        params: OfFile,
        querystring: Type.Object({ first: First, count: Count }),
      },
    },
    async (request, reply) => {
      const { group, fileId } = request.params
      const { view } = await viewAsMember(store, request, reply, group)
      await checkContents(store, view, [fileId])
      const { first, count } = request.query
      return reply.type(OCTETS).send(await store.hashes.read(group, fileId, first, count))
    },
  )
}
