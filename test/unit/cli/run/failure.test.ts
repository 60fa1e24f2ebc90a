import { errorDocument, errorText, toShoalError } from '../../../../cli/run/failure.ts'
import { ERRORS, type ErrorCode, ShoalError } from '../../../../protocol/errors.ts'

test('every error has a hint, in the document and in the text', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const error = new ShoalError(code, 'a sentence')
    expect(errorDocument(error)).toEqual({
      error: { code, message: 'a sentence', hint: expect.stringMatching(/\w/) },
    })
    expect(errorText(error, false)).toMatch(/^Error: a sentence\nHint: \w.*$/)
  }
})

test('a bug says where to report it, and shows its stack only with DEBUG', () => {
  const error = toShoalError(new TypeError('x is not a function'))
  expect(error).toMatchObject({ code: 'INTERNAL', message: 'x is not a function' })
  expect(errorText(error, false)).toContain('please report it')
  expect(errorText(error, false)).not.toContain('failure.test')
  expect(errorText(error, true)).toContain('failure.test')
})

test('a thrown value that is not an Error is still reported', () => {
  expect(toShoalError('words').message).toBe('words')
  expect(toShoalError(undefined).code).toBe('INTERNAL')
})

test('a file system error with a path is a storage error', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    path: '/x',
  })
  expect(toShoalError(error)).toMatchObject({ code: 'NO_SPACE', message: '/x: no space left on device' })
})

test("an aborted operation is reported as the abort signal's reason", () => {
  const reason = new ShoalError('INTERRUPTED', 'stopped by Ctrl-C', { cause: 'SIGINT' })
  const abort = Object.assign(new Error('aborted'), { name: 'AbortError', cause: reason })
  expect(toShoalError(abort)).toBe(reason)
})

test("oclif's wrapping of a flag's error becomes one sentence with the flag's name", () => {
  const error = new ShoalError(
    'USAGE',
    'Parsing --wait \n\t"x" is not a duration\nSee more help with --help',
    {
      hint: 'write 5m',
    },
  )
  expect(toShoalError(error)).toMatchObject({ message: '--wait: "x" is not a duration', hint: 'write 5m' })
})
