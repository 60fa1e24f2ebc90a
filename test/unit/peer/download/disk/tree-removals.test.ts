import { obsoleteOf, removalsFrom } from '../../../../../peer/download/disk/tree-removals.ts'
import type { ListedEntry } from '../../../../../peer/tree/list.ts'
import { selectPart } from '../../../../../peer/tree/plan.ts'
import { buildTree } from '../../../../../protocol/tree/tree-reader.ts'
import { file, folder } from '../../../../support/trees.ts'

/** A listing in the order of a tree: a path that ends in a slash is a folder. */
const listed = (...paths: string[]): ListedEntry[] =>
  paths.map((path) => ({
    path: path.replace(/\/$/, ''),
    kind: path.endsWith('/') ? 'folder' : 'file',
    size: 0,
    mtimeNs: 0n,
  }))
const tree = new Map(Object.entries({ a: false, b: true, 'b/c': false }))
const isFolder = (path: string): boolean | null => tree.get(path) ?? null
const pathsOf = (entries: readonly ListedEntry[]): string[] => entries.map(({ path }) => path)

test('what the tree does not have is removed, the deepest first', () => {
  const entries = listed('a', 'b/', 'b/c', 'b/d/', 'b/d/e', 'f')
  const { obstacles, obsolete, blocked } = removalsFrom({ entries, kept: [] }, isFolder)
  expect(pathsOf(obsolete)).toEqual(['f', 'b/d/e', 'b/d'])
  expect([pathsOf(obstacles), blocked]).toEqual([[], []])
})

test('a folder in the place of a file is removed first, with everything in it', () => {
  const entries = listed('a/', 'a/x/', 'a/x/y', 'ab', 'b')
  const { obstacles, obsolete } = removalsFrom({ entries, kept: [] }, isFolder)
  expect(pathsOf(obstacles)).toEqual(['b', 'a/x/y', 'a/x', 'a'])
  expect(pathsOf(obsolete)).toEqual(['ab'])
})

test('what is kept blocks only where the tree has a file or it is below such a path', () => {
  const kept = ['a/pipe', 'b/pipe', 'pipe']
  const found = removalsFrom({ entries: listed('a/', 'b/'), kept }, isFolder)
  expect(found).toMatchObject({ blocked: ['a/pipe'], kept })
  expect(removalsFrom({ entries: [], kept: ['a'] }, isFolder).blocked).toEqual(['a'])
})

test('a file of a snapshot removes nothing beside it, even if a folder had its name before', () => {
  const { index: earlier } = buildTree([folder('tool'), file('tool/one', 3)])
  const { index } = buildTree([file('tool', 4)])
  expect(obsoleteOf(earlier, index, selectPart(index, ''))).toMatchObject([{ path: 'tool/one' }])
  expect(obsoleteOf(earlier, index, selectPart(index, 'tool'))).toEqual([])
})
