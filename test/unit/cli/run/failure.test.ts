import { Args, Flags } from '@oclif/core'
import { parse } from '@oclif/core/parser'
import { withFlagErrors } from '../../../../cli/input/flag-errors.ts'
import { errorDocument, errorText, toShoalError } from '../../../../cli/run/failure.ts'
import { parseDuration } from '../../../../cli/text/parse.ts'
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

describe('what oclif throws for a command line', () => {
  const wait = Flags.custom<number>({ parse: async (text) => parseDuration(text) })
  const definitions = {
    wait: wait(),
    count: Flags.integer(),
    broken: Flags.custom<string>({ parse: async () => (undefined as unknown as string).trim() })(),
    kind: Flags.string({ options: ['a', 'b'] }),
    from: Flags.string({ dependsOn: ['kind'] }),
    only: Flags.string({ exclusive: ['wait'] }),
  }
  const thrownFor = (...argv: string[]): Promise<ShoalError> =>
    parse(argv, { flags: withFlagErrors(definitions), args: { file: Args.string({ required: true }) } }).then(
      () => Promise.reject(new Error('the words were accepted')),
      toShoalError,
    )

  test.each([
    [['f', '--wait', 'x'], 'USAGE', /^--wait: "x" is not a duration$/],
    [['f', '--count', 'x'], 'USAGE', /^--count: [^;]*\bx$/],
    [['f', '--kind', 'c'], 'USAGE', /--kind=c .*a, b$/],
    [['f', '--from', 'x'], 'USAGE', /^[^\n;:]*: --kind$/],
    [['f', '--from', 'x', '--only', 'y', '--wait', '5m'], 'USAGE', /^[^\n;]*--only; [^\n;]*: --kind$/],
    [['f', '--none'], 'USAGE', /^there is no flag --none$/],
    [['f', 'g'], 'USAGE', /^the command takes no further argument "g"$/],
    [[], 'USAGE', /^FILE must be given$/],
  ])('%j is one sentence', async (argv, code, message) => {
    const error = await thrownFor(...argv)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error.message).not.toMatch(/See more help|occurred/)
  })

  test('the hint of a parser is kept', async () => {
    expect((await thrownFor('f', '--wait', 'x')).hint).toMatch(/5m/)
  })

  test('a parser that breaks is a bug, not a refused value', async () => {
    expect((await thrownFor('f', '--broken', 'x')).code).toBe('INTERNAL')
  })
})
