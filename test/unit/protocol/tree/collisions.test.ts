import fc from 'fast-check'
import {
  type Collision,
  collisionError,
  collisions,
  foldName,
  treeCollisions,
} from '../../../../protocol/tree/collisions.ts'
import { buildTree } from '../../../../protocol/tree/tree-reader.ts'
import { trees } from '../../../support/trees.ts'

test.each<[string, string[], [string, string][]]>([
  ['case', ['README', 'readme'], [['README', 'readme']]],
  ['Unicode form', ['z\u00e9', 'ze\u0301'], [['z\u00e9', 'ze\u0301']]],
  ['both', ['\u00c9', 'e\u0301'], [['\u00c9', 'e\u0301']]],
  ['letters that fold to two', ['stra\u00dfe', 'STRASSE'], [['stra\u00dfe', 'STRASSE']]],
  ['the Kelvin sign', ['\u212a', 'k'], [['\u212a', 'k']]],
  ['a folder above', ['A/x', 'a/y', 'a/z'], [['A', 'a']]],
  ['a folder and a file', ['a', 'A/x'], [['a', 'A']]],
  [
    'three names',
    ['a', 'A', 'b', 'B'],
    [
      ['a', 'A'],
      ['b', 'B'],
    ],
  ],
  ['nothing', ['a', 'b', 'a/B', 'b/b', 'a'], []],
])('names that differ in %s collide', (_, paths, expected) => {
  expect(collisions(paths).map(({ first, second }) => [first, second])).toEqual(expected)
})

test('a tree has the collisions of the list of its paths', () => {
  const sorted = (found: Collision[]): string[] =>
    found.map(({ second }) => `${second.slice(0, second.lastIndexOf('/') + 1)}${foldName(second)}`).sort()
  let seen = 0
  fc.assert(
    fc.property(trees, (entries) => {
      const { index } = buildTree(entries)
      const inTree = treeCollisions(index)
      // Below folders that collide a tree is compared folder by folder, a list only down to them.
      const inList = collisions(entries.map(({ path }) => path))
      seen += inTree.length
      expect(inTree.length === 0).toBe(inList.length === 0)
      for (const each of inTree) expect(foldName(each.first)).toBe(foldName(each.second))
      const tops = new Set(sorted(inTree))
      for (const each of sorted(inList)) expect(tops).toContain(each)
    }),
  )
  expect(seen).toBeGreaterThan(0)
})

test('one message names the first collisions and how many more there are', () => {
  const found = Array.from({ length: 7 }, (_, i) => ({ first: `a${i}`, second: `A${i}` }))
  const error = collisionError(found)
  expect(error.code).toBe('NAMES_COLLIDE')
  expect(error.message).toContain('"a0" and "A0", "a1" and "A1"')
  expect(error.message).toMatch(/and 2 more$/)
})
