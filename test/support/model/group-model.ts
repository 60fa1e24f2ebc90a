import type { Role } from '../../../protocol/records.ts'

/** A change that a user requests. */
export type Op = { by: string } & (
  | { type: 'create' }
  | { type: 'request' | 'leave' }
  | { type: 'accept' | 'reject' | 'kick'; users: string[] }
  | { type: 'promote'; user: string }
  | { type: 'publish'; name: string; content: string }
  | { type: 'remove'; name: string }
)

export interface ModelFile {
  content: string
  version: number
  uploader: string
}

/** The simplest model of a group; null if there is none. */
export type GroupState = {
  members: ReadonlyMap<string, { role: Role; since: string }>
  requests: ReadonlySet<string>
  files: ReadonlyMap<string, ModelFile>
} | null

/** The state after `op` at time `at`, or the code of its refusal. */
export function applyOp(state: GroupState, op: Op, at: string): { next: GroupState } | { refused: string } {
  if (op.type === 'create') {
    if (state !== null) return { refused: 'GROUP_TAKEN' }
    const members = new Map([[op.by, { role: 'owner' as const, since: at }]])
    return { next: { members, requests: new Set(), files: new Map() } }
  }
  if (state === null) return { refused: 'GROUP_NOT_FOUND' }
  const refused = refusalOf(state, op)
  return refused === null ? { next: changed(state, op, at) } : { refused }
}

type Change = Exclude<Op, { type: 'create' }>
type Existing = NonNullable<GroupState>

const isAdmin = (state: Existing, user: string): boolean =>
  ['owner', 'admin'].includes(state.members.get(user)?.role ?? '')

function refusalOf(state: Existing, op: Change): string | null {
  const role = state.members.get(op.by)?.role
  const member = role === undefined ? 'NOT_A_MEMBER' : null
  const admin = isAdmin(state, op.by) ? null : 'NOT_AN_ADMIN'
  switch (op.type) {
    case 'request':
      if (member === null) return 'ALREADY_MEMBER'
      return state.requests.has(op.by) ? 'ALREADY_REQUESTED' : null
    case 'accept':
    case 'reject':
      return admin ?? (op.users.every((user) => state.requests.has(user)) ? null : 'REQUEST_NOT_FOUND')
    case 'kick':
      return admin ?? firstOf(op.users.map((user) => kickRefusal(state, user, role === 'owner')))
    case 'leave': {
      const stuck = role === 'owner' && state.members.size > 1 && heirOf(state) === null
      return member ?? (stuck ? 'LAST_OWNER' : null)
    }
    case 'promote': {
      const now = state.members.get(op.user)?.role
      if (role !== 'owner') return 'NOT_THE_OWNER'
      if (now === undefined) return 'MEMBER_NOT_FOUND'
      return now === 'member' ? null : 'ALREADY_ADMIN'
    }
    case 'publish':
      return member
    case 'remove':
      return removalRefusal(state, op)
  }
}

function removalRefusal(state: Existing, { by, name }: { by: string; name: string }): string | null {
  const file = state.files.get(name)
  if (!state.members.has(by)) return 'NOT_A_MEMBER'
  if (file === undefined) return 'FILE_NOT_FOUND'
  return file.uploader === by || isAdmin(state, by) ? null : 'NOT_AN_ADMIN'
}

const firstOf = (refusals: (string | null)[]): string | null => refusals.find((code) => code !== null) ?? null

function kickRefusal(state: Existing, user: string, byOwner: boolean): string | null {
  const role = state.members.get(user)?.role
  if (role === undefined) return 'MEMBER_NOT_FOUND'
  return role === 'owner' || (role === 'admin' && !byOwner) ? 'NOT_THE_OWNER' : null
}

/** The longest-standing admin. */
export function heirOf(state: Existing): string | null {
  const admins = [...state.members].filter(([, { role }]) => role === 'admin')
  const [first] = admins.map(([user, { since }]) => `${since} ${user}`).sort()
  return first?.split(' ')[1] ?? null
}

function changed(state: Existing, op: Change, at: string): GroupState {
  const members = new Map(state.members)
  const requests = new Set(state.requests)
  const files = new Map(state.files)
  switch (op.type) {
    case 'request':
      requests.add(op.by)
      break
    case 'accept':
      for (const user of op.users) members.set(user, { role: 'member', since: at })
      for (const user of op.users) requests.delete(user)
      break
    case 'reject':
      for (const user of op.users) requests.delete(user)
      break
    case 'kick':
      for (const user of op.users) members.delete(user)
      break
    case 'leave':
      if (members.size === 1) return null
      if (members.get(op.by)?.role === 'owner') {
        const heir = heirOf(state)!
        members.set(heir, { ...members.get(heir)!, role: 'owner' })
      }
      members.delete(op.by)
      break
    case 'promote':
      members.set(op.user, { ...members.get(op.user)!, role: 'admin' })
      break
    case 'publish': {
      const version = (files.get(op.name)?.version ?? 0) + 1
      files.set(op.name, { content: op.content, version, uploader: op.by })
      break
    }
    case 'remove':
      files.delete(op.name)
  }
  return { members, requests, files }
}
