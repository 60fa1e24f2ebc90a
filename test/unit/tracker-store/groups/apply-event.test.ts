import type { GroupChange, GroupEvent } from '../../../../protocol/records.ts'
import { applyEvent } from '../../../../tracker-store/groups/apply-event.ts'
import type { GroupView } from '../../../../tracker-store/groups/group-view.ts'

const at = (revision: number): string => new Date(revision * 1000).toISOString()
const event = (change: GroupChange, revision: number): GroupEvent => ({
  ...change,
  group: 'team',
  revision,
  at: at(revision),
  by: 'ann',
})
const record = { name: 'f', fileId: 'id', size: 1, version: 1, uploader: 'ann', added: at(7) }

const HISTORY: GroupEvent[] = (
  [
    { type: 'group.created', owner: 'ann' },
    { type: 'member.requested', user: '__proto__' },
    { type: 'member.requested', user: 'carl' },
    { type: 'member.accepted', users: ['__proto__', 'carl'] },
    { type: 'member.promoted', user: 'carl', role: 'admin' },
    { type: 'member.requested', user: 'dora' },
    { type: 'file.published', file: record },
    { type: 'member.rejected', users: ['dora'] },
    { type: 'member.left', user: 'ann', heir: 'carl' },
    { type: 'member.kicked', users: ['__proto__'] },
    { type: 'file.removed', name: 'f', fileId: 'id' },
  ] satisfies GroupChange[]
).map((change, i) => event(change, i + 1))

const replay = (events: GroupEvent[], from: GroupView | null = null): GroupView | null =>
  events.reduce((view: GroupView | null, each) => applyEvent(view, each), from)

const plain = (view: GroupView | null): unknown =>
  view && {
    ...view,
    members: [...view.members.values()],
    requests: [...view.requests.values()].map(({ user }) => user),
    files: view.files.page('', '', 10),
  }

describe('applying events', () => {
  test('a group’s events produce its state at each revision', () => {
    expect(plain(replay(HISTORY.slice(0, 7)))).toEqual({
      group: 'team',
      revision: 7,
      created: at(1),
      owner: 'ann',
      members: [
        { user: 'ann', role: 'owner', since: at(1) },
        { user: '__proto__', role: 'member', since: at(4) },
        { user: 'carl', role: 'admin', since: at(4) },
      ],
      requests: ['dora'],
      files: [record],
    })
    expect(plain(replay(HISTORY))).toMatchObject({
      revision: 11,
      owner: 'carl',
      members: [{ user: 'carl', role: 'owner' }],
      requests: [],
      files: [],
    })
  })

  test('applying an event does not change the previous view', () => {
    let view: GroupView | null = null
    for (const each of HISTORY) {
      const before = plain(view)
      const next = applyEvent(view, each)
      expect(plain(view)).toEqual(before)
      view = next
    }
  })

  test('applying old events again to a later state leads to the same state', () => {
    for (let from = 1; from < HISTORY.length; from++) {
      const again = replay(HISTORY.slice(from), replay(HISTORY))
      expect(plain(again)).toEqual(plain(replay(HISTORY)))
    }
  })

  test('a removed group is null until a group of its name is created', () => {
    const removed = replay([...HISTORY, event({ type: 'group.removed' }, 12)])
    expect(removed).toBeNull()
    expect(applyEvent(null, event({ type: 'member.requested', user: 'eve' }, 13))).toBeNull()
    const again = applyEvent(null, event({ type: 'group.created', owner: 'eve' }, 13))
    expect(again).toMatchObject({ owner: 'eve', revision: 13 })
  })

  test('an unknown event type still advances the revision', () => {
    const unknown = { ...event({ type: 'group.removed' }, 2), type: 'group.renamed' } as unknown as GroupEvent
    expect(applyEvent(replay(HISTORY.slice(0, 1)), unknown)).toMatchObject({ owner: 'ann', revision: 2 })
  })
})
