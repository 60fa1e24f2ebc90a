import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { placeFiles } from '../../../../../peer/download/disk/targets.ts'
import type { FileRecord } from '../../../../../protocol/records.ts'

let folder: string
let output: string
let outside: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'shoal-targets-')))
  output = join(folder, 'out')
  outside = join(folder, 'outside')
  mkdirSync(outside)
})
afterEach(() => {
  // Whatever a test tried, nothing was created outside.
  expect(readdirSync(outside)).toEqual([])
  rmSync(folder, { recursive: true })
})

const file = (name: string): FileRecord => ({
  name,
  fileId: 'ab'.repeat(32),
  size: 1,
  version: 1,
  uploader: 'ann',
  added: '',
})
const place = async (names: string[], name: string, to = output): Promise<string[]> =>
  (await placeFiles(names.map(file), name, to)).map(({ path }) => path)
const inTheWay = expect.objectContaining({ code: 'PATH_IN_THE_WAY' })

test('a single file is written to the output, or into it if it is a folder or ends with a slash', async () => {
  expect(await place(['a/b.bin'], 'a/b.bin')).toEqual([output])
  expect(await place(['a/b.bin'], 'a/b.bin', `${output}/`)).toEqual([join(output, 'b.bin')])
  mkdirSync(output)
  expect(await place(['a/b.bin'], 'a/b.bin')).toEqual([join(output, 'b.bin')])
})

test('the files of a prefix are written below the output by their remaining path, and folders are created', async () => {
  expect(await place(['m/v1/a', 'm/v1/sub/b'], 'm/v1')).toEqual([join(output, 'a'), join(output, 'sub', 'b')])
  expect(await place(['m/v1/a', 'top'], '')).toEqual([join(output, 'm', 'v1', 'a'), join(output, 'top')])
  expect(readdirSync(output).sort()).toEqual(['m', 'sub'])
})

test('a snapshot or a part of one becomes the output, and a prefix with one snapshot a folder with it', async () => {
  const tree = { entries: 1, files: 1, bytes: 1, trailer: 100 }
  const snapshot = { ...file('pre/app'), tree }
  const placed = async (name: string, to = output): Promise<string[]> =>
    (await placeFiles([snapshot], name, to)).map(({ path }) => path)
  expect(await placed('pre/app')).toEqual([output])
  expect(await placed('pre/app', `${output}/`)).toEqual([output])
  expect(await placed('pre/app/bin/tool')).toEqual([output])
  expect(await placed('pre')).toEqual([join(output, 'app')])
  expect(await placed('')).toEqual([join(output, 'pre/app')])
})

test('no name that users can choose has a special meaning', async () => {
  const names = ['__proto__/x', 'constructor', '...', '~/x', '$HOME', '%2e%2e/x', '-rf']
  expect(await place(names, '')).toEqual(names.map((name) => join(output, name)))
})

test.each(['../x', 'a/../../x', '/etc/x', 'a//x', 'C:/x', 'a\\..\\x', 'a\0', '.', '', 'x.shoal-part'])(
  'a tracker’s file name %j is not followed',
  async (name) => {
    await expect(place(['fine', name], '')).rejects.toMatchObject({ code: 'BAD_NAME' })
  },
)

test('a link that leads out of the folder is refused, and nothing is created behind it', async () => {
  mkdirSync(output)
  symlinkSync(outside, join(output, 'link'))
  for (const name of ['link/x', 'link/deep/er/x']) await expect(place([name], '')).rejects.toEqual(inTheWay)
  symlinkSync('..', join(output, 'up'))
  for (const name of ['up/x', 'up/outside/x', 'up/outside/deep/x'])
    await expect(place([name], '')).rejects.toEqual(inTheWay)
})

test('a folder whose name only starts like the output counts as outside', async () => {
  mkdirSync(output)
  mkdirSync(`${output}er`)
  symlinkSync(`${output}er`, join(output, 'link'))
  await expect(place(['link/x'], '')).rejects.toEqual(inTheWay)
  expect(readdirSync(`${output}er`)).toEqual([])
})

test('a link that stays inside is followed, and so is the output if it is a link', async () => {
  mkdirSync(join(output, 'real'), { recursive: true })
  symlinkSync('real', join(output, 'link'))
  expect(await place(['link/x'], '')).toEqual([join(output, 'link', 'x')])
  symlinkSync(output, join(folder, 'alias'))
  expect(await place(['y/x'], '', join(folder, 'alias'))).toEqual([join(output, 'y', 'x')])
})

test('a dangling or circular link is an error that names the path, not a crash', async () => {
  mkdirSync(output)
  symlinkSync(join(outside, 'absent'), join(output, 'dangling'))
  symlinkSync('circle', join(output, 'circle'))
  for (const name of ['dangling/x', 'circle/x'])
    await expect(place([name], '')).rejects.toMatchObject({ kind: 'storage' })
  expect(existsSync(join(outside, 'absent'))).toBe(false)
})

test('a folder in place of the file, or a file in place of a folder, is PATH_IN_THE_WAY', async () => {
  mkdirSync(join(output, 'a', 'b'), { recursive: true })
  writeFileSync(join(output, 'f'), '')
  await expect(place(['a/b'], '')).rejects.toEqual(inTheWay)
  await expect(place(['b'], 'b', join(output, 'a'))).rejects.toEqual(inTheWay)
  await expect(place(['f/x'], '')).rejects.toEqual(inTheWay)
  await expect(place(['x', 'y'], '', join(output, 'f'))).rejects.toEqual(inTheWay)
})
