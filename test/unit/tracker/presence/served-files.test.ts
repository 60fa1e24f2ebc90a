import fc from 'fast-check'
import { countFiles, idsChecked, servedIn, withPartial } from '../../../../tracker/presence/served-files.ts'
import { setChanges } from '../../../../tracker/presence/set-changes.ts'
import { fileIdsOf, isPacked, packFiles } from '../../../../tracker-client/api/packed-files.ts'

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string]

test('served files are packed by group, without the groups that do not count', () => {
  const listed = packFiles([
    { group: 'team', fileId: A, complete: true },
    { group: 'other', fileId: A, complete: true },
    { group: 'team', fileId: B, complete: false },
    { group: 'strange', fileId: C, complete: true },
    { group: 'team', fileId: C, complete: true },
  ])
  const files = servedIn(listed, new Set(['team', 'other', 'silent']))
  expect(files).toEqual([
    { group: 'team', complete: A + C, partial: B },
    { group: 'other', complete: A, partial: '' },
  ])
  expect(countFiles(files)).toBe(4)
  expect([...fileIdsOf(A + C)]).toEqual([A, C])
})

test('a list that ends within an id is refused, even if another list has the rest', () => {
  const cut = { group: 'team', complete: A.slice(32), partial: B.slice(32) }
  expect(() => [...idsChecked([cut])]).toThrow('a list of files must consist of whole ids')
})

test.each([
  ['another letter', A.replace('a', 'g')],
  ['upper case', A.toUpperCase()],
  ['a letter that is two bytes long', A.replace('a', 'é')],
  ['a letter whose last byte is a digit', A.replace('a', '\u0161')],
  ['a list longer than one slice', A.repeat(2000).replace(/.$/, ' ')],
])('a list with %s is refused in any group', (_, complete) => {
  const listed = [{ group: 'other', complete, partial: '' }]
  expect(() => [...idsChecked(listed)]).toThrow('a list of files must consist of whole ids')
  expect(() => [...idsChecked([{ group: 'team', complete: '', partial: complete }])]).toThrow()
})

test('any list of ids is accepted, and one with any non-digit is refused', () => {
  const lists = fc.array(
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 }),
  )
  const strange = fc.string({ minLength: 1, maxLength: 1 }).filter((letter) => !/[0-9a-f]/.test(letter))
  fc.assert(
    fc.property(lists, strange, fc.nat(), (ids, letter, place) => {
      const list = ids.join('')
      expect(isPacked(list)).toBe(true)
      if (list === '') return
      const at = place % list.length
      expect(isPacked(list.slice(0, at) + letter + list.slice(at + 1))).toBe(false)
    }),
  )
})

test('unchanged lists are reused from the previous set', () => {
  const before = [{ group: 'team', complete: A.repeat(3), partial: B }]
  const listed = [{ group: 'team', complete: [A, A, A].join(''), partial: B + C }]
  expect(servedIn(listed, new Set(['team']), before)).toEqual(listed)
})

test('unknown fields of an announce are dropped', () => {
  const listed = [{ group: 'team', complete: A, partial: '', note: 'x'.repeat(100) }]
  expect(servedIn(listed, new Set(['team']))).toEqual([{ group: 'team', complete: A, partial: '' }])
})

test('partial files are added once, to known and new groups, and known files change nothing', () => {
  const files = [{ group: 'team', complete: A, partial: B }]
  expect(withPartial(files, 'team', [A, B])).toBe(files)
  expect(withPartial(files, 'team', [A, C, C])).toEqual([{ group: 'team', complete: A, partial: B + C }])
  expect(withPartial(files, 'other', [A])).toEqual([...files, { group: 'other', complete: '', partial: A }])
})

test('the changes between two sets are exactly their differences', () => {
  const ids = fc.uniqueArray(fc.nat(30), { maxLength: 12 }).map((list) => list.map(idOf))
  const set = fc.tuple(ids, ids).map(([complete, partial]) => {
    const parts = partial.filter((id) => !complete.includes(id))
    return [{ group: 'team', complete: complete.join(''), partial: parts.join('') }]
  })
  const stateIn = (files: { complete: string; partial: string }[], id: string): boolean | null => {
    if ([...fileIdsOf(files[0]!.complete)].includes(id)) return true
    return [...fileIdsOf(files[0]!.partial)].includes(id) ? false : null
  }
  fc.assert(
    fc.property(set, set, (before, after) => {
      const changes = new Map(setChanges(before, after)!.map(({ fileId, complete }) => [fileId, complete]))
      for (let n = 0; n <= 30; n++) {
        const [was, is] = [stateIn(before, idOf(n)), stateIn(after, idOf(n))]
        if (was !== is) expect(changes.get(idOf(n))).toBe(is)
        else if (changes.has(idOf(n))) expect(changes.get(idOf(n))).toBe(was)
      }
    }),
  )
})

test('one completed file among a hundred is one change, equal sets have none, and other groups give null', () => {
  const many = Array.from({ length: 100 }, (_, n) => idOf(n))
  const set = (partial: string[], group = 'team') => [
    { group, complete: many.filter((id) => !partial.includes(id)).join(''), partial: partial.join('') },
  ]
  expect(setChanges(set([many[50]!]), set([]))).toEqual([{ group: 'team', fileId: many[50], complete: true }])
  expect(setChanges(set([]), set([]))).toEqual([])
  expect(setChanges([], [])).toEqual([])
  expect(setChanges(set([]), set([], 'other'))).toBeNull()
  expect(setChanges(set([]), [])).toBeNull()
  expect(setChanges(set(many), set([]))).toBeNull()
})

const idOf = (n: number): string => n.toString(16).padStart(64, '0')
