import type { GroupEvent, JoinRequest, Member } from '../protocol/records.ts'
import { SortedFiles } from './file-index.ts'
import type { ApplyEvent, GroupView } from './group-view.ts'

/**
 * Moves a view to the event's revision. Applied to a state that has the change already it does no harm, which
 * is what lets a snapshot be read while the group changes (snapshot.ts).
 */
export const applyEvent: ApplyEvent = (view, event) => {
  if (event.type === 'group.created') return created(event)
  if (event.type === 'group.removed' || view === null) return null
  return { ...view, ...changes(view, event), revision: event.revision }
}

function created(event: GroupEvent & { type: 'group.created' }): GroupView {
  return {
    group: event.group,
    revision: event.revision,
    created: event.at,
    owner: event.owner,
    members: new Map([[event.owner, { user: event.owner, role: 'owner', since: event.at }]]),
    requests: new Map(),
    files: SortedFiles.empty,
  }
}

function changes(view: GroupView, event: GroupEvent): Partial<GroupView> {
  switch (event.type) {
    case 'member.requested':
      return { requests: new Map(view.requests).set(event.user, { user: event.user, since: event.at }) }
    case 'member.accepted':
      return { requests: without(view.requests, event.users), members: accepted(view, event.users, event.at) }
    case 'member.rejected':
      return { requests: without(view.requests, event.users) }
    case 'member.left':
      return left(view, event.user, event.heir)
    case 'member.kicked':
      return { members: without(view.members, event.users) }
    case 'member.promoted':
      return { members: withRole(view.members, event.user, event.role) }
    case 'file.published':
      return { files: view.files.with(event.file) }
    case 'file.removed':
      return { files: view.files.without(event.name) }
    default:
      // A newer replica's change: this one cannot show it, but goes on with what it knows.
      return {}
  }
}

function accepted(view: GroupView, users: string[], since: string): Map<string, Member> {
  const members = new Map(view.members)
  for (const user of users) members.set(user, { user, role: 'member', since })
  return members
}

function left(view: GroupView, user: string, heir: string | undefined): Partial<GroupView> {
  const members = without(view.members, [user])
  return heir === undefined ? { members } : { members: withRole(members, heir, 'owner'), owner: heir }
}

function withRole(
  members: ReadonlyMap<string, Member>,
  user: string,
  role: Member['role'],
): ReadonlyMap<string, Member> {
  const member = members.get(user)
  return member === undefined ? members : new Map(members).set(user, { ...member, role })
}

function without<V extends JoinRequest>(records: ReadonlyMap<string, V>, users: string[]): Map<string, V> {
  const left = new Map(records)
  for (const user of users) left.delete(user)
  return left
}
