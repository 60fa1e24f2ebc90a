import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collectSources } from '../../../../cli/input/upload-sources.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shoal-sources-'))
  mkdirSync(join(root, 'data', 'deep'), { recursive: true })
  for (const name of ['one', 'data/b', 'data/a', 'data/deep/c']) writeFileSync(join(root, name), name)
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

const names = async (paths: string[], as?: string): Promise<string[]> =>
  (
    await collectSources(
      paths.map((path) => join(root, path)),
      as,
      true,
    )
  ).files.map((file) => file.name)

test('a file keeps its name unless --as gives another', async () => {
  expect(await names(['one'])).toEqual(['one'])
  expect(await names(['one'], 'x/y.bin')).toEqual(['x/y.bin'])
})

test('a folder’s files are named below it or below --as, in a fixed order', async () => {
  expect(await names(['data'])).toEqual(['data/a', 'data/b', 'data/deep/c'])
  expect(await names(['data/'], 'v2/')).toEqual(['v2/a', 'v2/b', 'v2/deep/c'])
})

test('several arguments are put below one folder', async () => {
  expect(await names(['one', 'data/deep'], 'all')).toEqual(['all/one', 'all/deep/c'])
})

test('the part file of a running download is skipped with a notice', async () => {
  for (const name of ['x.shoal-part', 'x.shoal-part.journal']) writeFileSync(join(root, 'data', name), '')
  const { files, notices } = await collectSources([join(root, 'data')], undefined, true)
  expect(files.map((file) => file.name)).toEqual(['data/a', 'data/b', 'data/deep/c'])
  expect(notices).toHaveLength(2)
})

test('a link to a file in the folder is uploaded, and a link that leads elsewhere is skipped with a notice', async () => {
  symlinkSync('a', join(root, 'data', 'inside'))
  symlinkSync('../one', join(root, 'data', 'outside'))
  symlinkSync('deep', join(root, 'data', 'folder'))
  symlinkSync('nowhere', join(root, 'data', 'broken'))
  const { files, notices } = await collectSources([join(root, 'data')], undefined, true)
  expect(files.map((file) => file.name)).toEqual(['data/a', 'data/b', 'data/deep/c', 'data/inside'])
  expect(notices).toHaveLength(3)
})

test('a link that is named directly is followed', async () => {
  symlinkSync('data', join(root, 'link'))
  expect(await names(['link'])).toEqual(['link/a', 'link/b', 'link/deep/c'])
})

test.each([
  ['a missing path', ['missing'], undefined, 'PATH_NOT_FOUND'],
  ['a path below a file', ['one/x'], undefined, 'PATH_IN_THE_WAY'],
  ['a hostile name', ['one'], '../x', 'BAD_NAME'],
  ['two files of one name', ['one', 'one'], undefined, 'USAGE'],
])('%s is refused', async (_, paths, as, code) => {
  await expect(names(paths, as)).rejects.toMatchObject({ code })
})

test('an empty folder is refused', async () => {
  mkdirSync(join(root, 'empty'))
  await expect(names(['empty'])).rejects.toMatchObject({ code: 'USAGE' })
})

const asRoot = process.getuid?.() === 0
test('a file that cannot be read is refused before anything is uploaded', async () => {
  chmodSync(join(root, 'data', 'b'), 0)
  // Root can read everything.
  if (asRoot) expect(await names(['data'])).toHaveLength(3)
  else await expect(names(['data'])).rejects.toMatchObject({ code: 'NO_PERMISSION' })
})
