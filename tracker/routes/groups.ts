import Type from 'typebox'
import { checkGroupName } from '../../protocol/names.ts'
import { GroupBody, GroupList, GroupName, RevisionBody } from '../../tracker-client/api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import { actorOf, mutationOf } from '../auth/authenticate.ts'
import type { Services } from '../services.ts'
import { AtRevision, Change, InGroup, PageOf, revised, viewAsMember } from './common.ts'

const PAGE = 100

export function groupRoutes(app: TrackerApp, { store }: Services): void {
  app.post(
    '/groups',
    { schema: { tags: ['groups'], headers: Change, body: GroupName, response: { 201: RevisionBody } } },
    async (request, reply) => {
      const group = checkGroupName(request.body.group)
      const result = await store.groups.create(mutationOf(request), group)
      return reply.code(201).send(revised(reply, result))
    },
  )

  app.get(
    '/groups',
    {
      schema: { tags: ['groups'], querystring: Type.Object(PageOf(PAGE)), response: { 200: GroupList } },
    },
    async (request) => {
      const { user } = actorOf(request)
      const { after = '', limit = PAGE } = request.query
      const { groups, next } = await store.groups.list(after, limit, user)
      const listed = groups.map(({ group, owner, members, role }) => ({ group, owner, members, role }))
      return { groups: listed, next }
    },
  )

  app.get(
    '/groups/:group',
    { schema: { tags: ['groups'], headers: AtRevision, params: InGroup, response: { 200: GroupBody } } },
    async (request, reply) => {
      const { view, member } = await viewAsMember(store, request, reply, request.params.group)
      const { group, owner, revision } = view
      const members = [...view.members.values()]
      return { group, owner, role: member.role, members, files: view.files.size, revision }
    },
  )
}
