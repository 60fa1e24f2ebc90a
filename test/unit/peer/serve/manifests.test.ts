import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Catalog, type CatalogEntry } from '../../../../peer/serve/catalog.ts'
import { Library } from '../../../../peer/serve/library.ts'
import { Seeds } from '../../../../peer/serve/seeds.ts'
import { buildTree } from '../../../../protocol/tree/tree-reader.ts'
import { noTrees } from '../../../support/peer/no-trees.ts'
import { file } from '../../../support/trees.ts'

const hashes = new Uint8Array(32)
let folder: string
let catalog: Catalog
let seeds: Seeds
let trees: ReturnType<typeof noTrees>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-manifests-'))
  catalog = new Catalog(folder)
  trees = noTrees(folder)
  seeds = new Seeds(catalog, new Library(), trees, () => {})
})
afterEach(async () => {
  catalog.close()
  await trees.pool.close()
  rmSync(folder, { recursive: true })
})

const kept = (): string[] => readdirSync(join(folder, 'trees')).sort()

/** Keeps the manifest of a snapshot of this name, and returns a copy of it at `path`. */
async function save(name: string, path = name): Promise<CatalogEntry> {
  const { index, trailer } = buildTree([file(name, 1)])
  await trees.store.save(name, Buffer.concat(trailer), index.streamSize)
  mkdirSync(join(folder, path), { recursive: true })
  const place = { path: join(folder, path), size: index.streamSize, mtimeNs: 0n, ino: 0n }
  return { group: 'team', name, fileId: name, isTree: true, fault: null, ...place }
}

async function add(name: string, path = name): Promise<CatalogEntry> {
  const entry = await save(name, path)
  await seeds.add(entry, hashes)
  return entry
}

test('a manifest goes with the last copy of its snapshot', async () => {
  const one = await add('one')
  await seeds.add({ ...one, group: 'other' }, hashes)
  seeds.forget('team', 'one', 'one')
  expect(kept()).toEqual(['one'])
  seeds.forget('other', 'one', 'one')
  expect(kept()).toEqual([])
})

test('a manifest goes when another snapshot takes the place of its copy', async () => {
  await add('one', 'same')
  await add('two', 'same')
  expect(kept()).toEqual(['two'])
})

test('a downloaded part keeps the manifest until another takes its place or the group removes the snapshot', async () => {
  const part = async (name: string) => ({ ...(await save(name)), path: join(folder, 'part'), part: 'p' })
  seeds.addPart(await part('one'))
  expect(kept()).toEqual(['one'])
  seeds.addPart(await part('two'))
  expect(kept()).toEqual(['two'])
  seeds.forget('team', 'two', 'two')
  expect(kept()).toEqual([])
})

test('a manifest that a download uses stays, whatever is removed meanwhile', async () => {
  await add('one')
  await trees.store.whileUsed(['one'], async () => seeds.forget('team', 'one', 'one'))
  expect(kept()).toEqual(['one'])
})

test('a start removes what nothing has needed for a day, and keeps the rest', async () => {
  await add('needed')
  await save('unneeded')
  await save('interrupted')
  seeds.addPart({ ...(await save('part')), path: join(folder, 'part'), part: 'p' })
  seeds.addPart({ ...(await save('gone')), path: join(folder, 'no such file'), part: 'p' })
  writeFileSync(join(folder, 'trees', 'draft.123'), '')
  for (const name of ['needed', 'unneeded', 'part', 'gone', 'draft.123'])
    utimesSync(join(folder, 'trees', name), 1_700_000_000, 1_700_000_000)
  await seeds.load()
  expect(kept()).toEqual(['interrupted', 'needed', 'part'])
})
