import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTime } from '../../../../peer/tree/set-time.ts'

const NS = 1_577_934_245_123_456_789n
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-time-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const timeOf = (path: string): bigint => lstatSync(path, { bigint: true }).mtimeNs

test('times of files, folders and links are set to the nanosecond', () => {
  const file = join(folder, 'ein schöner Name 😀')
  writeFileSync(file, 'x')
  mkdirSync(join(folder, 'sub'))
  symlinkSync('sub', join(folder, 'link'))
  symlinkSync('nowhere', join(folder, 'dangling'))
  const before = timeOf(join(folder, 'sub'))
  setTime(join(folder, 'link'), NS)
  expect(timeOf(join(folder, 'sub'))).toBe(before)
  setTime(file, NS)
  setTime(join(folder, 'sub'), NS + 1n)
  setTime(join(folder, 'dangling'), NS + 2n)
  const names = ['link', 'sub', 'dangling']
  expect(names.map((name) => timeOf(join(folder, name)) - NS)).toEqual([0n, 1n, 2n])
  expect(timeOf(file)).toBe(NS)
})

test('times before 1970 and between two seconds are exact', () => {
  const file = join(folder, 'file')
  writeFileSync(file, 'x')
  for (const ns of [-1n, -1_000_000_000n, -1_500_000_001n, 0n, 1n, 999_999_999n]) {
    setTime(file, ns)
    expect(timeOf(file)).toBe(ns)
  }
})

test('a path that is gone is the error of the file system', () => {
  expect(() => setTime(join(folder, 'gone'), NS)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
})
