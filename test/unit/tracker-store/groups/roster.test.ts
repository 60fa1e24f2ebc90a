import fc from 'fast-check'
import type { Member } from '../../../../protocol/records.ts'
import { SortedRoster } from '../../../../tracker-store/groups/roster.ts'

const member = (user: string, second: number, role: Member['role'] = 'member'): Member => ({
  user,
  role,
  since: new Date(second * 1000).toISOString(),
})
const byStanding = (records: Iterable<Member>): Member[] =>
  [...records].sort((a, b) => (`${a.since} ${a.user}` < `${b.since} ${b.user}` ? -1 : 1))

describe('a roster', () => {
  test('a roster equals a Map in order of joining after any changes, and leaves earlier rosters unchanged', () => {
    const user = fc.constantFrom('ann', 'bob', '__proto__', 'Ann', 'a', 'z')
    const record = fc.tuple(user, fc.nat({ max: 5 })).map(([name, second]) => member(name, second))
    const step = fc.oneof(record, fc.array(user))
    fc.assert(
      fc.property(fc.array(record), fc.array(step), (start, steps) => {
        const model = new Map(start.map((each) => [each.user, each]))
        let roster = SortedRoster.from(start)
        for (const next of steps) {
          const before = [...roster.values()]
          const changed = Array.isArray(next) ? roster.without(next) : roster.with(next)
          expect([...roster.values()]).toEqual(before)
          if (Array.isArray(next)) for (const name of next) model.delete(name)
          else model.set(next.user, next)
          roster = changed
        }
        expect([...roster.values()]).toEqual(byStanding(model.values()))
        expect(roster.size).toBe(model.size)
        for (const name of ['ann', 'bob', '__proto__', 'Ann', 'a', 'z', 'constructor']) {
          expect(roster.get(name)).toEqual(model.get(name))
          expect(roster.has(name)).toBe(model.has(name))
        }
      }),
      { verbose: 1 },
    )
  })

  test('a promoted member keeps its place in the order of joining', () => {
    const roster = SortedRoster.from([member('ann', 1, 'owner'), member('bob', 2), member('carl', 3)])
    const promoted = roster.with({ ...roster.get('bob')!, role: 'admin' })
    expect([...promoted.values()].map(({ user, role }) => [user, role])).toEqual([
      ['ann', 'owner'],
      ['bob', 'admin'],
      ['carl', 'member'],
    ])
  })

  test('members accepted together are listed alike, whether loaded or applied', () => {
    const heard = SortedRoster.from([member('zoe', 1)])
      .with(member('dora', 2))
      .with(member('carl', 2))
    const read = SortedRoster.from([member('carl', 2), member('dora', 2), member('zoe', 1)])
    expect([...heard.values()]).toEqual([...read.values()])
  })
})
