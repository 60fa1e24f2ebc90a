import {
  countFiles,
  fileIdsOf,
  isSameSet,
  packFiles,
  withPartial,
} from '../../../../tracker/presence/served-files.ts'

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string]

test('an announced list is packed by group, without the groups that do not count', () => {
  const listed = [
    { group: 'team', fileId: A, complete: true },
    { group: 'other', fileId: A, complete: true },
    { group: 'team', fileId: B, complete: false },
    { group: 'strange', fileId: C, complete: true },
    { group: 'team', fileId: C, complete: true },
  ]
  const files = packFiles(listed, new Set(['team', 'other', 'silent']))
  expect(files).toEqual([
    { group: 'team', complete: A + C, partial: B },
    { group: 'other', complete: A, partial: '' },
  ])
  expect(countFiles(files)).toBe(4)
  expect([...fileIdsOf(A + C)]).toEqual([A, C])
})

test('parts are added once, to a group that is there and to one that is not; nothing new changes nothing', () => {
  const files = [{ group: 'team', complete: A, partial: B }]
  expect(withPartial(files, 'team', [A, B])).toBe(files)
  expect(withPartial(files, 'team', [A, C, C])).toEqual([{ group: 'team', complete: A, partial: B + C }])
  expect(withPartial(files, 'other', [A])).toEqual([...files, { group: 'other', complete: '', partial: A }])
})

test('a set is the same only with the same groups and the same files, whole and in part', () => {
  const set = () => [{ group: 'team', complete: A, partial: B }]
  expect(isSameSet(set(), set())).toBe(true)
  expect(isSameSet([], [])).toBe(true)
  const others = [
    [],
    [...set(), ...set()],
    [{ group: 'other', complete: A, partial: B }],
    [{ group: 'team', complete: A + C, partial: B }],
    [{ group: 'team', complete: A, partial: C }],
    [{ group: 'team', complete: A + B, partial: '' }],
  ]
  for (const other of others) {
    expect(isSameSet(set(), other)).toBe(false)
    expect(isSameSet(other, set())).toBe(false)
  }
})
