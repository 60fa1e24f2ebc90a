import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ERRORS,
  encodeError,
  errorFromBody,
  firstOf,
  isErrorCode,
  reviveError,
  ShoalError,
  storageError,
} from '../../../protocol/errors.ts'

const failing = (errno: string, text: string): Error => Object.assign(new Error(text), { code: errno })

test.each([
  ['ENOSPC', 'NO_SPACE'],
  ['EDQUOT', 'NO_SPACE'],
  ['ENAMETOOLONG', 'STORAGE_FAILED'],
  ['EXDEV', 'STORAGE_FAILED'],
  ['EACCES', 'NO_PERMISSION'],
  ['EPERM', 'NO_PERMISSION'],
  ['EROFS', 'NO_PERMISSION'],
  ['ENOENT', 'PATH_NOT_FOUND'],
  ['ENOTDIR', 'PATH_IN_THE_WAY'],
  ['EISDIR', 'PATH_IN_THE_WAY'],
  ['EEXIST', 'PATH_IN_THE_WAY'],
  ['ELOOP', 'PATH_IN_THE_WAY'],
  ['EIO', 'STORAGE_FAILED'],
  ['EMFILE', 'STORAGE_FAILED'],
])('%s becomes %s', (errno, code) => {
  const cause = failing(errno, `${errno}: something broke, write`)
  const error = storageError(cause, '/data/x') as ShoalError
  expect(error).toMatchObject({ code, kind: 'storage', message: '/data/x: something broke', cause })
})

test('an exceeded quota, for which Node has no name, becomes NO_SPACE in words', () => {
  const code = 'Unknown system error -122'
  const error = storageError(failing(code, `${code}: ${code}, mkdir '/data/x'`), '/data/x')
  expect(error).toMatchObject({ code: 'NO_SPACE', message: '/data/x: disk quota exceeded' })
})

test("Node's error for a real file becomes one sentence about the path", () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-errors-'))
  try {
    writeFileSync(join(folder, 'file'), '')
    const path = join(folder, 'file', "it's", 'below')
    const thrown = (): unknown => {
      try {
        return readFileSync(path)
      } catch (error) {
        return error
      }
    }
    expect(storageError(thrown(), path)).toMatchObject({
      code: 'PATH_IN_THE_WAY',
      message: `${path}: not a directory`,
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('errors that are ours or not from the file system stay unchanged', () => {
  const ours = new ShoalError('NO_PEER', 'nobody')
  const bug = new TypeError('x is not a function')
  expect(storageError(ours, '/x')).toBe(ours)
  expect(storageError(bug, '/x')).toBe(bug)
  expect(storageError('text', '/x')).toMatchObject({ message: 'text' })
  expect(storageError(null, '/x')).toBeInstanceOf(Error)
})

test('an error can be rebuilt from its response body', () => {
  for (const code of Object.keys(ERRORS).filter(isErrorCode)) {
    const error = new ShoalError(code, 'a sentence', { hint: 'a step' })
    expect(errorFromBody(JSON.parse(JSON.stringify(error)))).toMatchObject({
      code,
      message: 'a sentence',
      hint: 'a step',
      status: ERRORS[code].status,
      kind: ERRORS[code].kind,
    })
  }
  expect(new ShoalError('NO_PEER', 'nobody').toJSON()).toEqual({
    error: { code: 'NO_PEER', message: 'nobody' },
  })
})

test.each([
  null,
  undefined,
  1,
  'x',
  [],
  {},
  { error: null },
  { error: 'x' },
  { error: { code: 'NO_SUCH', message: 'x' } },
  { error: { code: 'toString', message: 'x' } },
  { error: { code: '__proto__', message: 'x' } },
  { error: { code: 'NO_PEER' } },
  { error: { code: 'NO_PEER', message: 1 } },
])('%j is not one of our error bodies', (body) => {
  expect(errorFromBody(body)).toBeNull()
})

test('a hint that is not a string is dropped', () => {
  expect(errorFromBody({ error: { code: 'NO_PEER', message: 'x', hint: { a: 1 } } })?.hint).toBeUndefined()
})

test('an error that was encoded, sent as JSON and revived has its class, code, message and hint', () => {
  const sent = (error: Error): Error => reviveError(JSON.parse(JSON.stringify(encodeError(error))))
  const ours = sent(new ShoalError('NO_PEER', 'nobody has it', { hint: 'wait' }))
  expect(ours).toBeInstanceOf(ShoalError)
  expect(ours).toMatchObject({ code: 'NO_PEER', message: 'nobody has it', hint: 'wait' })
  const system = sent(failing('ECONNRESET', 'read ECONNRESET'))
  expect(system).not.toBeInstanceOf(ShoalError)
  expect(system).toMatchObject({ code: 'ECONNRESET', message: 'read ECONNRESET' })
  expect(sent(new DOMException('stopped', 'AbortError'))).toMatchObject({ code: 'ERROR', message: 'stopped' })
})

test('a list in a sentence names the first items, and the number of the others', () => {
  expect(firstOf(['a', 'b'], 2)).toBe('a, b')
  expect(firstOf(['a', 'b', 'c', 'd'], 2)).toBe('a, b, and 2 more')
  expect(firstOf(['a, b', 'c'], 1, '; ')).toBe('a, b; and 1 more')
})
