import fc from 'fast-check'
import { diff } from '../../../../protocol/tree/diff.ts'
import type { TreeEntry } from '../../../../protocol/tree/entry.ts'
import { below, find, findExact, inside, list, range, sizesBelow } from '../../../../protocol/tree/listing.ts'
import { buildTree } from '../../../../protocol/tree/tree-reader.ts'
import { file, folder, link, trees } from '../../../support/trees.ts'

test('every path of a tree is found, and no other', () => {
  fc.assert(
    fc.property(trees, (entries) => {
      const { index } = buildTree(entries)
      entries.forEach(({ path }, i) => {
        expect(find(index, path)).toBe(i)
        expect(find(index, `${path}/zzz`)).toBeNull()
        expect(find(index, `${path}\u0001`)).toBeNull()
      })
      expect(find(index, '')).toBe(-1)
    }),
  )
})

test('a lone surrogate is not taken for the character that replaces it in UTF-8', () => {
  const { index } = buildTree([file('a\ufffd')])
  expect(findExact(index, 'a\ufffd')).toBe(0)
  expect(findExact(index, 'a\ud800')).toBeNull()
})

test('a path is found in another Unicode form, but the exact form wins', () => {
  const nfc = 'caf\u00e9'
  const nfd = 'cafe\u0301'
  const one = buildTree([folder(nfd), file(`${nfd}/x`)]).index
  expect([find(one, nfc), find(one, `${nfc}/x`), find(one, `${nfc}/y`)]).toEqual([0, 1, null])
  expect(findExact(one, nfc)).toBeNull()
  const both = buildTree([file(nfd), file(nfc)]).index
  expect([find(both, nfd), find(both, nfc)]).toEqual([0, 1])
})

test('a folder lists its children, its range all that is below it, and parents lead back', () => {
  fc.assert(
    fc.property(trees, (entries) => {
      const { index } = buildTree(entries)
      for (const at of [...entries.filter(({ kind }) => kind === 'folder').map(({ path }) => path), '']) {
        const prefix = at === '' ? '' : `${at}/`
        const inside = entries
          .filter(({ path }) => path.startsWith(prefix) && path !== at)
          .map(({ path }) => path)
        expect([...list(index, at)].map((i) => index.path(i))).toEqual(
          inside.filter((path) => !path.slice(prefix.length).includes('/')),
        )
        const { first, end } = below(index, at)
        expect(end - first).toBe(inside.length + (at === '' ? 0 : 1))
        for (const child of list(index, at)) expect(index.parent(child)).toBe(find(index, at))
      }
    }),
  )
})

test('a file lists itself, and a missing path is an error with a hint', () => {
  const { index } = buildTree([folder('d'), file('d/f', 1), link('l', 'd')])
  expect([...list(index, 'd/f')]).toEqual([1])
  expect([...list(index, 'l')]).toEqual([2])
  expect(() => list(index, 'd/F')).toThrow(expect.objectContaining({ code: 'FILE_NOT_FOUND' }))
})

/** All properties of an entry as one string. */
function key(entry: TreeEntry): string {
  const { path, kind, mtimeNs } = entry
  const content = kind === 'file' ? `${entry.size} ${Buffer.from(entry.sha256).toString('hex')}` : ''
  return [path, kind, mtimeNs, kind === 'link' ? entry.target : entry.mode, content].join(' | ')
}

test('the differences between two trees make the second from the first', () => {
  fc.assert(
    fc.property(trees, trees, (before, after) => {
      const a = buildTree(before).index
      const b = buildTree(after).index
      const made = new Map(before.map((entry) => [entry.path, key(entry)]))
      for (const change of diff(a, b)) {
        if (change.change === 'removed') expect(made.delete(a.path(change.before))).toBe(true)
        else if (change.change === 'added') {
          expect(made.has(b.path(change.after))).toBe(false)
          made.set(b.path(change.after), key(b.entry(change.after)))
        } else {
          expect(a.path(change.before)).toBe(b.path(change.after))
          expect(made.get(a.path(change.before))).not.toBe(key(b.entry(change.after)))
          made.set(b.path(change.after), key(b.entry(change.after)))
        }
      }
      expect(made).toEqual(new Map(after.map((entry) => [entry.path, key(entry)])))
      expect([...diff(b, b)]).toEqual([])
    }),
  )
})

test('a difference says which properties changed', () => {
  const before = [
    file('a', 1),
    file('b', 1),
    link('c', 'x'),
    file('d', 1),
    file('e', 1),
    folder('f'),
    file('f/g', 1),
  ]
  const after = [
    file('a', 2),
    file('b', 1, { mode: 0o755 }),
    link('c', 'y'),
    file('d', 1, { mtimeNs: 1n }),
    folder('e'),
    file('f', 1),
  ]
  const changes = [...diff(buildTree(before).index, buildTree(after).index)]
  expect(changes.map((change) => (change.change === 'changed' ? change.properties : change.change))).toEqual([
    ['content'],
    ['mode'],
    ['target'],
    ['mtime'],
    ['kind'],
    ['kind'],
    'removed',
  ])
})

test('the size of a folder is that of all files below it, and what is inside leaves the folder out', () => {
  fc.assert(
    fc.property(trees, (entries) => {
      const { index } = buildTree(entries)
      const sizes = sizesBelow(index)
      for (const [i, { path, kind }] of [...entries.entries(), [-1, folder('')] as const]) {
        const isIn = (other: string): boolean => path === '' || other.startsWith(`${path}/`)
        const within = entries.filter((entry) => entry.path === path || isIn(entry.path))
        const size = within.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.size : 0), 0)
        expect(sizes(i)).toBe(size)
        const paths = [...range(inside(index, path))].map((entry) => index.path(entry))
        const expected = within.filter((entry) => entry.path !== path || kind !== 'folder')
        expect(paths).toEqual(expected.map((entry) => entry.path))
      }
    }),
  )
})

test('two folders of trees are compared by what is in them', () => {
  const a = buildTree([folder('x'), file('x/gone'), file('x/same'), file('y')]).index
  const b = buildTree([
    folder('z'),
    folder('z/x'),
    file('z/x/new'),
    file('z/x/same', 0, { mode: 0o600 }),
  ]).index
  expect([...diff(a, b, inside(a, 'x'), inside(b, 'z/x'))]).toEqual([
    { change: 'removed', before: 1 },
    { change: 'added', after: 2 },
    { change: 'changed', before: 2, after: 3, properties: ['mode'] },
  ])
})
