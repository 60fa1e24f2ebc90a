import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { ShoalError } from '../../protocol/errors.ts'
import type { Member } from '../../protocol/records.ts'
import type { GroupView } from '../../tracker-store/group-view.ts'
import type { Revised, Store } from '../../tracker-store/store.ts'
import { IDEMPOTENCY_HEADER, REVISION_HEADER } from '../api/headers.ts'
import { actorOf } from '../auth/authenticate.ts'

/** Pieces of request schemas that many routes share. */
export const Change = Type.Object({
  [IDEMPOTENCY_HEADER]: Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x20-\\x7e]+$' }),
})
export const AtRevision = Type.Object({ [REVISION_HEADER]: Type.Optional(Type.Integer({ minimum: 0 })) })
export const InGroup = Type.Object({ group: Type.String({ minLength: 1, maxLength: 64 }) })
export const PageOf = (most: number) => ({
  after: Type.Optional(Type.String({ maxLength: 1024 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: most })),
})
export const Nothing = Type.Null()

/** The group as of the revision that the client has seen, or later; throws GROUP_NOT_FOUND. */
async function viewOf(store: Store, request: FastifyRequest, group: string): Promise<GroupView> {
  const seen = request.headers[REVISION_HEADER]
  const view = await store.groups.view(group, seen === undefined ? undefined : Number(seen))
  if (view) return view
  throw new ShoalError('GROUP_NOT_FOUND', `there is no group ${JSON.stringify(group)}`, {
    hint: 'run `shoal group list` to see which there are',
  })
}

/** The group for one of its members; throws GROUP_NOT_FOUND or NOT_A_MEMBER. Says the revision in the answer. */
export async function viewAsMember(
  store: Store,
  request: FastifyRequest,
  reply: FastifyReply,
  group: string,
): Promise<{ view: GroupView; member: Member }> {
  const view = await viewOf(store, request, group)
  const member = view.members.get(actorOf(request).user)
  if (!member)
    throw new ShoalError('NOT_A_MEMBER', `you are not a member of ${group}`, {
      hint: `run \`shoal group join ${group}\``,
    })
  reply.header(REVISION_HEADER, view.revision)
  sayAge(reply, store.groups.viewAge)
  return { view, member }
}

/** `Age` (RFC 9111, 5.1), in seconds, where what is answered may be as old as `ms`. The highest that is said stays. */
export function sayAge(reply: FastifyReply, ms: number): void {
  const age = Math.floor(ms / 1000)
  if (age > Number(reply.getHeader('age') ?? 0)) reply.header('age', age)
}

/** Answers a change with its revision in the header too. */
export function revised<T extends Revised>(reply: FastifyReply, result: T): T {
  reply.header(REVISION_HEADER, result.revision)
  return result
}
