import type { GroupEvent } from '../../../protocol/records.ts'
import { tinyFile } from '../../../testkit/write-load.ts'
import { applyEvent } from '../../../tracker-store/groups/apply-event.ts'
import type { GroupView } from '../../../tracker-store/groups/group-view.ts'
import type { Answer, ModelFleet } from './fleet.ts'
import { applyOp, type GroupState, type Op } from './group-model.ts'

export const CONTENTS = ['one', 'two', 'three']
const ID_TO_CONTENT = new Map(CONTENTS.map((content) => [tinyFile('', content).fileId, content]))

/** A requested change and its outcome. */
export interface Result {
  op: Op
  answer: Answer
}

/** The model's next state: applies the one requested change that matches the event. */
export function nextState(state: GroupState, event: GroupEvent, results: Result[]): GroupState {
  const made = results.filter(
    ({ op, answer }) =>
      answer.body.revision === event.revision && op.by === event.by && resultsFrom(event, op),
  )
  // If a user publishes the same content twice at once, that is one change with two answers.
  const same = event.type === 'file.published' ? Math.max(made.length, 1) : 1
  expect([event, made.length]).toEqual([event, same])
  const outcome = applyOp(state, made[0]!.op, event.at)
  if ('refused' in outcome) throw new Error(`${outcome.refused} was not refused: ${JSON.stringify(event)}`)
  return outcome.next
}

const TYPES: Record<string, Op['type']> = {
  'group.created': 'create',
  'group.removed': 'leave',
  'member.requested': 'request',
  'member.accepted': 'accept',
  'member.rejected': 'reject',
  'member.left': 'leave',
  'member.kicked': 'kick',
  'member.promoted': 'promote',
  'file.published': 'publish',
  'file.removed': 'remove',
}

/** Whether the event results from the change. One user may make several changes of one type at once. */
function resultsFrom(event: GroupEvent, op: Op): boolean {
  if (TYPES[event.type] !== op.type) return false
  if (event.type === 'file.published')
    return op.type === 'publish' && event.file.name === op.name && contentOf(event.file.fileId) === op.content
  if (event.type === 'file.removed') return op.type === 'remove' && event.name === op.name
  if ('users' in event) return 'users' in op && String(event.users) === String(op.users)
  return event.type !== 'member.promoted' || (op.type === 'promote' && op.user === event.user)
}

const contentOf = (fileId: string): string => ID_TO_CONTENT.get(fileId) ?? 'unknown'

/** Checks that a change is in the states, or that at least one state of its time explains its refusal. */
export function explain(states: GroupState[], seen: number, { op, answer }: Result): void {
  const { revision, error } = answer.body
  if (error === undefined) {
    expect([op, revision]).toEqual([op, expect.any(Number)])
    const file = op.type === 'publish' ? states[revision!]?.files.get(op.name)?.content : undefined
    if (op.type === 'publish') expect([op, file]).toEqual([op, op.content])
    expect(revision).toBeLessThan(states.length)
    return
  }
  const codes = states.slice(seen).map((state) => {
    const outcome = applyOp(state, op, '')
    return 'refused' in outcome ? outcome.refused : null
  })
  expect([op, codes]).toEqual([op, expect.arrayContaining([error.code])])
}

/** Checks that the events alone produce the model's state at every revision. */
export function compareWithEvents(states: GroupState[], events: GroupEvent[]): void {
  let view: GroupView | null = null
  for (const event of events) {
    view = applyEvent(view, event)
    expect(view && plainView(view)).toEqual(plain(states[event.revision]!))
  }
}

/** Checks that a replica, if it answers, shows the model's newest state. */
export async function compareWithReplica(
  group: string,
  states: GroupState[],
  fleet: ModelFleet,
  replica: number,
): Promise<void> {
  const [state, revision] = [states.at(-1)!, states.length - 1]
  if (revision === 0) return
  const owner = state && [...state.members].find(([, { role }]) => role === 'owner')?.[0]
  const ask = (path: string) => fleet.read(group, path, owner ?? fleet.users[0]!, replica, revision)
  const [members, requests, files] = await Promise.all([ask(''), ask('/requests'), ask('/files')])
  if (members === null || requests === null || files === null) return
  if (state === null) return expect(members.status).toBe(404)
  expect(members.body).toMatchObject({ revision, owner })
  const listing = { members: members.body.members, requests: requests.body.requests, files: files.body.files }
  expect(plainAnswer(listing as Listing)).toEqual(plain(state))
}

interface Plain {
  members: unknown[]
  requests: unknown[]
  files: unknown[]
}

type Listing = {
  members: Iterable<{ user: string; role: string; since: string }>
  requests: Iterable<{ user: string }>
  files: Iterable<{ name: string; fileId: string; version: number; uploader: string }>
}

const plainView = ({ members, requests, files }: GroupView): Plain =>
  plainAnswer({ members: members.values(), requests: requests.values(), files: files.page('', '', 100) })

function plainAnswer({ members, requests, files }: Listing): Plain {
  return {
    members: Array.from(members, ({ user, role, since }) => [user, role, since]).sort(),
    requests: Array.from(requests, ({ user }) => user).sort(),
    files: Array.from(files, (f) => [f.name, contentOf(f.fileId), f.version, f.uploader]).sort(),
  }
}

function plain(state: GroupState): Plain | null {
  if (state === null) return null
  return {
    members: Array.from(state.members, ([user, { role, since }]) => [user, role, since]).sort(),
    requests: [...state.requests].sort(),
    files: Array.from(state.files, ([name, f]) => [name, f.content, f.version, f.uploader]).sort(),
  }
}
