import { ShoalError } from '../../protocol/errors.ts'
import {
  LeaveBody,
  PromoteBody,
  RequestList,
  RevisionBody,
  UserName,
  UserNames,
} from '../../tracker-client/api/schemas.ts'
import type { Mutation, Revised } from '../../tracker-store/store.ts'
import type { TrackerApp } from '../app.ts'
import { mutationOf } from '../auth/authenticate.ts'
import type { Services } from '../services.ts'
import { AtRevision, Change, InGroup, revised, viewAsMember } from './common.ts'

/** The members of a group. The store's scripts check who may change it, because a view may lag a moment. */
export function memberRoutes(app: TrackerApp, { store }: Services): void {
  const { groups } = store
  const tags = ['members']

  app.post(
    '/groups/:group/requests',
    { schema: { tags, headers: Change, params: InGroup, response: { 200: RevisionBody } } },
    async (request, reply) => revised(reply, await groups.request(mutationOf(request), request.params.group)),
  )

  app.get(
    '/groups/:group/requests',
    { schema: { tags, headers: AtRevision, params: InGroup, response: { 200: RequestList } } },
    async (request, reply) => {
      const { group } = request.params
      const { view, member } = await viewAsMember(store, request, reply, group)
      if (member.role === 'member')
        throw new ShoalError('NOT_AN_ADMIN', `only admins of ${group} can see who wants to join`)
      return { requests: [...view.requests.values()] }
    },
  )

  const decisions: Record<string, Decision> = {
    'requests/accept': (mutation, group, users) => groups.accept(mutation, group, users),
    'requests/reject': (mutation, group, users) => groups.reject(mutation, group, users),
    kick: (mutation, group, users) => groups.kick(mutation, group, users),
  }
  for (const [path, decide] of Object.entries(decisions)) {
    app.post(
      `/groups/:group/${path}`,
      {
        schema: { tags, headers: Change, params: InGroup, body: UserNames, response: { 200: RevisionBody } },
      },
      async (request, reply) =>
        revised(reply, await decide(mutationOf(request), request.params.group, request.body.users)),
    )
  }

  app.post(
    '/groups/:group/leave',
    { schema: { tags, headers: Change, params: InGroup, response: { 200: LeaveBody } } },
    async (request, reply) => revised(reply, await groups.leave(mutationOf(request), request.params.group)),
  )

  app.post(
    '/groups/:group/promote',
    { schema: { tags, headers: Change, params: InGroup, body: UserName, response: { 200: PromoteBody } } },
    async (request, reply) =>
      revised(reply, await groups.promote(mutationOf(request), request.params.group, request.body.user)),
  )
}

type Decision = (mutation: Mutation, group: string, users: readonly string[]) => Promise<Revised>
