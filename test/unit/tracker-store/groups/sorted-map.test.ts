import fc from 'fast-check'
import { SortedMap } from '../../../../tracker-store/groups/sorted-map.ts'

const sorted = (model: Map<string, number>): [string, number][] =>
  [...model].sort(([a], [b]) => (a < b ? -1 : 1))

describe('a sorted map', () => {
  test('it equals a Map in code unit order after any changes', () => {
    const key = fc.oneof(fc.constantFrom('a', 'b', 'a/b', '__proto__', '\u{1F41F}', '\uff5e'), fc.string())
    const step = fc.tuple(key, fc.option(fc.integer(), { nil: undefined }))
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.integer())), fc.array(step), key, (start, steps, from) => {
        const model = new Map(start)
        let map = SortedMap.from(model)
        for (const [name, value] of steps) {
          const before = [...map.from('')]
          const next = value === undefined ? map.without(name) : map.with(name, value)
          expect([...map.from('')]).toEqual(before)
          if (value === undefined) model.delete(name)
          else model.set(name, value)
          map = next
        }
        expect([...map.from('')]).toEqual(sorted(model))
        expect([...map.from(from)]).toEqual(sorted(model).filter(([name]) => name >= from))
        expect(map.size).toBe(model.size)
        for (const [name] of steps) expect(map.get(name)).toBe(model.get(name))
      }),
      { verbose: 1 },
    )
  })

  test('runs split as it grows and vanish as it shrinks', () => {
    let map = SortedMap.from<number>([])
    const names = Array.from({ length: 5000 }, (_, i) => String((i * 7919) % 5000).padStart(4, '0'))
    for (const [i, name] of names.entries()) map = map.with(name, i)
    expect([...map.from('')].map(([name]) => name)).toEqual([...names].sort())
    for (const name of names) map = map.without(name)
    expect([...map.from('')]).toEqual([])
    expect(map.size).toBe(0)
    expect(map.with('a', 1).get('a')).toBe(1)
  })
})
