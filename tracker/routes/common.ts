import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { ShoalError } from '../../protocol/errors.ts'
import type { FileRecord, Member } from '../../protocol/records.ts'
import { IDEMPOTENCY_HEADER, REVISION_HEADER } from '../../tracker-client/api/headers.ts'
import type { GroupView } from '../../tracker-store/groups/group-view.ts'
import type { Revised, Store } from '../../tracker-store/store.ts'
import { actorOf } from '../auth/authenticate.ts'
import { freshView } from '../fresh-view.ts'

/** Parts of request schemas that many routes share. */
export const Change = Type.Object({
  [IDEMPOTENCY_HEADER]: Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x20-\\x7e]+$' }),
})
export const Revision = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const AtRevision = Type.Object({ [REVISION_HEADER]: Type.Optional(Revision) })
export const InGroup = Type.Object({ group: Type.String({ minLength: 1, maxLength: 64 }) })
export const OfFile = Type.Object({
  ...InGroup.properties,
  fileId: Type.String({ pattern: '^[0-9a-f]{64}$' }),
})
export const PageOf = (most: number) => ({
  after: Type.Optional(Type.String({ maxLength: 1024 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: most })),
})
export const Nothing = Type.Null()

/**
 * The group, for one of its members, at or after the revision that the client has seen. Throws GROUP_NOT_FOUND or
 * NOT_A_MEMBER. Sets the answer's revision header. `has`: whether the view contains the requested item.
 */
export async function viewAsMember(
  store: Store,
  request: FastifyRequest,
  reply: FastifyReply,
  group: string,
  has: (view: GroupView) => boolean = () => true,
): Promise<{ view: GroupView; member: Member }> {
  const { user } = actorOf(request)
  const seen = request.headers[REVISION_HEADER]
  const atLeast = seen === undefined ? 0 : Number(seen)
  const serves = (view: GroupView): boolean => view.members.has(user) && has(view)
  const view = await freshView(store.groups, group, serves, atLeast)
  if (!view)
    throw new ShoalError('GROUP_NOT_FOUND', `there is no group ${JSON.stringify(group)}`, {
      hint: 'run `shoal group list` to see all groups',
    })
  const member = view.members.get(user)
  if (!member)
    throw new ShoalError('NOT_A_MEMBER', `you are not a member of ${group}`, {
      hint: `run \`shoal group join ${group}\``,
    })
  reply.header(REVISION_HEADER, view.revision)
  setAge(reply, store.groups.viewAge)
  return { view, member }
}

/** The group's newest file with this content, under one of its names. Throws FILE_NOT_FOUND. */
export function contentOf(view: GroupView, fileId: string): FileRecord {
  const file = view.files.ofContent(fileId)
  if (file) return file
  throw noContent(view.group, fileId)
}

/** Throws FILE_NOT_FOUND if one of the contents is no kept version's. Asks Redis only for those that no newest one has. */
export async function checkContents(
  store: Store,
  view: GroupView,
  fileIds: readonly string[],
): Promise<void> {
  const older = fileIds.filter((fileId) => !view.files.hasContent(fileId))
  if (older.length === 0) return
  const kept = await store.versions.contents(view.group, older)
  for (const fileId of older) if (!kept.has(fileId)) throw noContent(view.group, fileId)
}

const noContent = (group: string, fileId: string): ShoalError =>
  new ShoalError('FILE_NOT_FOUND', `${group} has no file with id ${fileId}`, {
    hint: `run \`shoal group files ${group}\` to see its files`,
  })

/** Sets `Age` (RFC 9111, 5.1), in seconds, if the answer may be `ms` old. Keeps a higher value already set. */
export function setAge(reply: FastifyReply, ms: number): void {
  const age = Math.floor(ms / 1000)
  if (age > 0 && age > Number(reply.getHeader('age') ?? 0)) reply.header('age', age)
}

/** Sets the revision of a change in the answer's header too. */
export function revised<T extends Revised>(reply: FastifyReply, result: T): T {
  reply.header(REVISION_HEADER, result.revision)
  return result
}
