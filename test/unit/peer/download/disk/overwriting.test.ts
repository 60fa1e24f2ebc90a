import { linkSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isStream } from '../../../../../cli/peer/download-output.ts'
import { giveName } from '../../../../../peer/download/disk/overwriting.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-name-'))
  writeFileSync(join(folder, 'new'), 'new')
})
afterEach(() => rmSync(folder, { recursive: true }))

const [from, to] = [() => join(folder, 'new'), () => join(folder, 'target')]

test('a file that came to an empty target meanwhile is not replaced', async () => {
  writeFileSync(to(), 'somebody else')
  await expect(giveName(from(), to(), null)).rejects.toMatchObject({ code: 'PATH_IN_THE_WAY' })
  expect(readFileSync(to(), 'utf8')).toBe('somebody else')
  expect(readFileSync(from(), 'utf8')).toBe('new')
})

test('a file that was written to since it was looked at is not replaced', async () => {
  writeFileSync(to(), 'old')
  const { ino, mtimeNs, size } = lstatSync(to(), { bigint: true })
  const state = { ino: `${ino}`, mtimeNs: `${mtimeNs}`, size: `${size}` }
  writeFileSync(to(), 'older and longer')
  await expect(giveName(from(), to(), state)).rejects.toMatchObject({ code: 'PATH_IN_THE_WAY' })
  expect(readFileSync(to(), 'utf8')).toBe('older and longer')
})

test('the file that was looked at is replaced, and with "anything" any file', async () => {
  writeFileSync(to(), 'old')
  linkSync(from(), join(folder, 'newer'))
  const { ino, mtimeNs, size } = lstatSync(to(), { bigint: true })
  await giveName(from(), to(), { ino: `${ino}`, mtimeNs: `${mtimeNs}`, size: `${size}` })
  expect(readFileSync(to(), 'utf8')).toBe('new')
  await giveName(join(folder, 'newer'), to(), 'anything')
  expect(readFileSync(to(), 'utf8')).toBe('new')
})

test.each([
  ['a FIFO', '/home/x/pipe', 'FIFO', true],
  ['a character device', '/dev/null', 'CharacterDevice', true],
  ['a block device', '/dev/sda', 'BlockDevice', true],
  ['a descriptor of the process, also of a file', '/dev/stdout', 'none', true],
  ['a file', '/home/x/file', 'none', false],
])('%s is written to in order: %s', (_, path, kind, expected) => {
  const is = (asked: string) => (): boolean => kind === asked
  const stat = {
    isFIFO: is('FIFO'),
    isCharacterDevice: is('CharacterDevice'),
    isBlockDevice: is('BlockDevice'),
  }
  expect(isStream(path, stat)).toBe(expected)
})
