import type { GroupEvent, JoinRequest, Member } from '../../protocol/records.ts'
import { SortedFiles } from './file-index.ts'
import type { ApplyEvent, GroupView } from './group-view.ts'
import { type Roster, SortedRoster } from './roster.ts'

/**
 * Moves a view to the event's revision. Applying an event twice is harmless, which lets a snapshot be read while the
 * group changes (snapshot.ts).
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
    members: SortedRoster.from<Member>([{ user: event.owner, role: 'owner', since: event.at }]),
    requests: SortedRoster.from<JoinRequest>([]),
    files: SortedFiles.empty,
  }
}

function changes({ members, requests, files }: GroupView, event: GroupEvent): Partial<GroupView> {
  switch (event.type) {
    case 'member.requested':
      return { requests: requests.with({ user: event.user, since: event.at }) }
    case 'member.accepted':
      return { requests: requests.without(event.users), members: accepted(members, event.users, event.at) }
    case 'member.rejected':
      return { requests: requests.without(event.users) }
    case 'member.left':
      return left(members.without([event.user]), event.heir)
    case 'member.kicked':
      return { members: members.without(event.users) }
    case 'member.promoted':
      return { members: withRole(members, event.user, event.role) }
    case 'file.published':
      return { files: files.with(event.file) }
    case 'file.removed':
      return { files: files.without(event.name) }
    default:
      // An unknown change, from a newer replica: keep the rest of the view current.
      return {}
  }
}

function accepted(before: Roster<Member>, users: string[], since: string): Roster<Member> {
  return users.reduce((members, user) => members.with({ user, role: 'member', since }), before)
}

function left(members: Roster<Member>, heir: string | undefined): Partial<GroupView> {
  return heir === undefined ? { members } : { members: withRole(members, heir, 'owner'), owner: heir }
}

function withRole(members: Roster<Member>, user: string, role: Member['role']): Roster<Member> {
  const member = members.get(user)
  return member === undefined ? members : members.with({ ...member, role })
}
