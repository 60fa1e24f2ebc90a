import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyFiles } from '../../../../peer/tree/copies.ts'
import { type Placed, placeEntries } from '../../../../peer/tree/place.ts'
import { removeTree, sweepTree } from '../../../../peer/tree/remove-tree.ts'
import { writeTree } from '../../../../peer/tree/write-tree.ts'

const onLinux = process.platform === 'linux' ? test : test.skip
const base = mkdtempSync(join(tmpdir(), 'shoal-place-'))
afterAll(() => rmSync(base, { recursive: true }))

let root: string
let outside: string
let count = 0
beforeEach(() => {
  root = join(base, `root${count}`)
  outside = join(base, `outside${count++}`)
  mkdirSync(join(root, 'd'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'f'), 'untouched', { mode: 0o640 })
})

const placed = (kind: Placed['kind'], path: string, mode = 0): Placed => ({
  path,
  kind,
  mode,
  mtimeNs: 1_577_934_245_000_000_000n,
  target: kind === 'link' ? 'f' : '',
})
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

/** Puts a link to the folder outside in the place of the folder `d`. */
function swap(): void {
  rmSync(join(root, 'd'), { recursive: true })
  symlinkSync(outside, join(root, 'd'))
}

/** The folder outside is as it was made, and so is its file. */
function expectUntouched(): void {
  expect(readdirSync(outside)).toEqual(['f'])
  expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('untouched')
  expect(modeOf(join(outside, 'f'))).toBe('640')
  expect(statSync(join(outside, 'f')).mtimeMs).toBeGreaterThan(1_600_000_000_000)
}

const part = { path: 'd/f', mode: 0o644, offset: 0, at: 0, length: 4 }
const WORK: [what: string, work: () => void][] = [
  ['write a chunk', () => writeTree(root, [part], Buffer.from('evil'))],
  [
    'make a folder',
    () => placeEntries({ root, step: 'make', entries: [placed('folder', 'd/e', 0o755)], umask: 0 }),
  ],
  ['make a link', () => placeEntries({ root, step: 'make', entries: [placed('link', 'd/l')], umask: 0 })],
  [
    'set a mode',
    () => placeEntries({ root, step: 'reset', entries: [placed('file', 'd/f', 0o777)], umask: 0 }),
  ],
  [
    'set a time',
    () => placeEntries({ root, step: 'finish', entries: [placed('file', 'd/f', 0o644)], umask: 0 }),
  ],
  ['copy a file', () => copyFiles(root, [{ from: 'g', to: 'd/g', mode: 0o644 }], 0)],
  ['copy from a file', () => copyFiles(root, [{ from: 'd/f', to: 'copy', mode: 0o644 }], 0)],
]

onLinux.each(WORK)('a folder that became a link ends the work with its path: to %s', (_, work) => {
  writeFileSync(join(root, 'g'), 'content')
  swap()
  expect(work).toThrow(
    expect.objectContaining({ code: 'PATH_IN_THE_WAY', message: expect.stringContaining(`${root}/d`) }),
  )
  expectUntouched()
  expect(existsSync(join(root, 'copy'))).toBe(false)
})

onLinux.each([
  ['a symbolic link', () => symlinkSync(join(outside, 'f'), join(root, 'd/f'))],
  ['a second name of another file', () => linkSync(join(outside, 'f'), join(root, 'd/f'))],
])('a chunk is not written into %s', (_, put) => {
  put()
  expect(() => writeTree(root, [part], Buffer.from('evil'))).toThrow(
    expect.objectContaining({ code: 'PATH_IN_THE_WAY', message: expect.stringContaining(join(root, 'd/f')) }),
  )
  expectUntouched()
})

onLinux('a copy and a mode do not go through a link at their place', () => {
  writeFileSync(join(root, 'g'), 'content')
  symlinkSync(join(outside, 'f'), join(root, 'd/f'))
  copyFiles(root, [{ from: 'g', to: 'd/f', mode: 0o600 }], 0)
  expect(readFileSync(join(root, 'd/f'), 'utf8')).toBe('content')
  rmSync(join(root, 'd/f'))
  symlinkSync(join(outside, 'f'), join(root, 'd/f'))
  const entries = [placed('file', 'd/f', 0o777)]
  expect(() => placeEntries({ root, step: 'reset', entries, umask: 0 })).toThrow()
  expectUntouched()
})

test('what an earlier run had finished is writable again, and made things stay', () => {
  writeFileSync(join(root, 'd/f'), 'content', { mode: 0o444 })
  chmodSync(join(root, 'd'), 0o555)
  symlinkSync('f', join(root, 'l'))
  const entries = [placed('folder', 'd', 0o555), placed('file', 'd/f', 0o444), placed('link', 'l')]
  placeEntries({ root, step: 'make', entries, umask: 0o022 })
  expect([modeOf(join(root, 'd')), modeOf(join(root, 'd/f'))]).toEqual(['755', '644'])
  expect(readFileSync(join(root, 'd/f'), 'utf8')).toBe('content')
  placeEntries({ root, step: 'finish', entries, umask: 0o022 })
  expect([modeOf(join(root, 'd')), modeOf(join(root, 'd/f'))]).toEqual(['555', '444'])
})

test('a sweep leaves the entries of a tree that are of the right kind, and follows no link', () => {
  writeFileSync(join(root, 'd/f'), 'content')
  writeFileSync(join(root, 'd/extra'), '')
  mkdirSync(join(root, 'was a file/below'), { recursive: true })
  chmodSync(join(root, 'was a file/below'), 0o500)
  symlinkSync(outside, join(root, 'was a folder'))
  const entries = [
    placed('folder', 'd'),
    placed('file', 'd/f'),
    placed('file', 'was a file'),
    placed('folder', 'was a folder'),
  ]
  sweepTree(root, entries)
  expect(readdirSync(root, { recursive: true }).sort()).toEqual(['d', 'd/f'])
  expectUntouched()
})

test('a tree is removed with its read-only folders, and what its links lead to stays', () => {
  mkdirSync(join(root, 'd/e'))
  writeFileSync(join(root, 'd/e/f'), '')
  chmodSync(join(root, 'd/e'), 0o500)
  symlinkSync(outside, join(root, 'd/l'))
  removeTree(root)
  expect(existsSync(root)).toBe(false)
  expectUntouched()
  symlinkSync(outside, root)
  removeTree(root)
  removeTree(root)
  expectUntouched()
})
