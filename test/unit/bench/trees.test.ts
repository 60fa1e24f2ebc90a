import { lstatSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustBeSameTree } from '../../../bench/folders/same-tree.ts'
import { changeFiles, evenTree, makeTree, modulesTree } from '../../../bench/folders/trees.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-trees-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const path = (...names: string[]): string => join(folder, ...names)

test('the same seed makes the same tree, another seed does not', () => {
  const tree = modulesTree(300, 3e6, 7)
  expect(tree).toEqual(modulesTree(300, 3e6, 7))
  makeTree(path('a'), tree, 7)
  makeTree(path('b'), tree, 7)
  mustBeSameTree(path('a'), path('b'))
  makeTree(path('c'), tree, 8)
  expect(() => mustBeSameTree(path('a'), path('c'))).toThrow(/differs from/)
})

test('a tree like node_modules has its count and bytes, and most of its files are small', () => {
  const { files, links, bytes } = modulesTree(40_000, 400e6, 1)
  expect(files).toHaveLength(40_000)
  expect(new Set(files.map((file) => file.path)).size).toBe(40_000)
  expect(Math.abs(bytes - 400e6)).toBeLessThan(400e6 / 1000)
  const sizes = files.map(({ size }) => size).sort((a, b) => a - b)
  expect(sizes[20_000]).toBeLessThan(3000)
  expect(sizes.at(-1)).toBeGreaterThan(1e6)
  expect(links.length).toBeGreaterThan(0)
})

test('a hundredth of the files changes, each with its size', () => {
  const tree = evenTree(1000, 10, 50)
  makeTree(path('a'), tree, 1)
  const before = new Map(tree.files.map((file) => [file.path, readFileSync(path('a', file.path))]))
  const changed = changeFiles(path('a'), tree, 100, 2)
  const differs = tree.files.filter(
    (file) => !before.get(file.path)!.equals(readFileSync(path('a', file.path))),
  )
  expect(new Set(differs.map((file) => file.path))).toEqual(changed)
  expect(changed.size).toBe(10)
  for (const name of changed) expect(lstatSync(path('a', name)).size).toBe(50)
})

test('the comparison of trees sees names, modes, times and contents', () => {
  const tree = evenTree(20, 2, 10)
  const differsBy = (change: () => void): void => {
    for (const name of ['a', 'b']) {
      rmSync(path(name), { recursive: true, force: true })
      makeTree(path(name), tree, 1)
    }
    mustBeSameTree(path('a'), path('b'))
    change()
    expect(() => mustBeSameTree(path('a'), path('b'))).toThrow(path('b'))
  }
  differsBy(() => writeFileSync(path('b', 'd0', 'f0'), 'other text'))
  differsBy(() => utimesSync(path('b', 'd0', 'f0'), 1, 1))
  differsBy(() => writeFileSync(path('b', 'more'), ''))
  differsBy(() => rmSync(path('b', 'd1', 'f1')))
})
