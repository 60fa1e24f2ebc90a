import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TreeStore } from '../../../../peer/tree/tree-store.ts'
import { buildTree } from '../../../../protocol/tree/tree-reader.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'shoal-tree-store-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function treeOf(path: string): { trailer: Buffer; size: number } {
  const sha256 = new Uint8Array(32).fill(1)
  const { index, trailer } = buildTree([{ kind: 'file', path, mode: 0o644, mtimeNs: 1n, size: 5, sha256 }])
  return { trailer: Buffer.concat(trailer), size: index.streamSize }
}

test('a tree that is larger than the cache is decoded once, until another large one takes its place', async () => {
  const store = new TreeStore(home, 1)
  const [one, other] = [treeOf('one'), treeOf('other')]
  await store.save('aa', one.trailer, one.size)
  const known = store.load('aa', one.size)
  expect(known?.index.path(0)).toBe('one')
  expect(store.load('aa', one.size)).toBe(known)
  await store.save('bb', other.trailer, other.size)
  expect(store.load('bb', other.size)).toBe(store.load('bb', other.size))
  expect(store.load('aa', one.size)).not.toBe(known)
  expect(store.load('aa', one.size)?.index.path(0)).toBe('one')
})

test('a tree that this home does not have, or has with another size, is null', async () => {
  const store = new TreeStore(home)
  const { trailer, size } = treeOf('one')
  await store.save('aa', trailer, size)
  expect(new TreeStore(home).load('aa', size)?.index.path(0)).toBe('one')
  expect(new TreeStore(home).load('aa', size + 1)).toBeNull()
  expect(store.load('cc', size)).toBeNull()
})
