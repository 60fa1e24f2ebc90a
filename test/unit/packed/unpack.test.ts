import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheFolders, unpack } from '../../../packed/unpack.ts'

const PROGRAM = Buffer.from('#!/bin/sh\necho right\n')

let folder: string
let cache: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-unpack-'))
  cache = join(folder, 'cache')
})
afterEach(() => rmSync(folder, { recursive: true }))

const run = (path: string): string => execFileSync(path, { encoding: 'utf8' }).trim()
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('a program is written once, only its user can access it, and it runs', () => {
  const path = unpack('tool', PROGRAM, [cache])
  expect(run(path)).toBe('right')
  expect([mode(path), mode(dirname(path)), mode(cache)]).toEqual(['700', '700', '700'])
  const { ino } = statSync(path)
  expect(unpack('tool', PROGRAM, [cache])).toBe(path)
  expect(statSync(path).ino).toBe(ino)
  expect(readdirSync(dirname(path))).toEqual(['tool'])
})

test('a changed, truncated or replaced program is written again', () => {
  const path = unpack('tool', PROGRAM, [cache])
  for (const bad of ['#!/bin/sh\necho wrong\n', '', PROGRAM.subarray(0, 5)]) {
    writeFileSync(path, bad)
    expect(run(unpack('tool', PROGRAM, [cache]))).toBe('right')
  }
})

test('two versions of a program can coexist', () => {
  const other = unpack('tool', Buffer.from('#!/bin/sh\necho other\n'), [cache])
  expect([run(unpack('tool', PROGRAM, [cache])), run(other)]).toEqual(['right', 'other'])
})

test('a folder that others may enter is made private before use', () => {
  mkdirSync(cache)
  chmodSync(cache, 0o777)
  unpack('tool', PROGRAM, [cache])
  expect(mode(cache)).toBe('700')
})

test('an unusable folder is skipped, and if all are unusable the error says why', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(unpack('tool', PROGRAM, [join(file, 'below'), cache]).startsWith(cache)).toBe(true)
  expect(() => unpack('tool', PROGRAM, [join(file, 'below')])).toThrow(
    expect.objectContaining({
      kind: 'storage',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('XDG_CACHE_HOME'),
    }),
  )
  expect(existsSync(join(file, 'below'))).toBe(false)
})

test('the cache folder follows the XDG specification, which ignores a relative path', () => {
  expect(cacheFolders({ XDG_CACHE_HOME: '/x' })[0]).toBe('/x/shoal')
  expect(cacheFolders({ XDG_CACHE_HOME: 'x' })[0]).toMatch(/\/\.cache\/shoal$/)
})
