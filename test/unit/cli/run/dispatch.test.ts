import fc from 'fast-check'
import { editDistance, parseCommandLine, wantsJson } from '../../../../cli/run/dispatch.ts'

const IDS = ['group:create', 'group:list', 'peer:upload', 'user:login', 'login', 'upload', 'stop']
const ask = (line: string) => parseCommandLine(line.split(' ').filter(Boolean), IDS)

test.each([
  ['group create team', { do: 'run', id: 'group:create', argv: ['team'] }],
  ['login ada --json', { do: 'run', id: 'login', argv: ['ada', '--json'] }],
  ['upload group create', { do: 'run', id: 'upload', argv: ['group', 'create'] }],
  ['group list extra', { do: 'run', id: 'group:list', argv: ['extra'] }],
  ['--json group list', { do: 'run', id: 'group:list', argv: ['--json'] }],
  ['--home h group list', { do: 'run', id: 'group:list', argv: ['--home', 'h'] }],
  ['peer upload - --as x', { do: 'run', id: 'peer:upload', argv: ['-', '--as', 'x'] }],
  ['', { do: 'help', subject: '' }],
  ['--help', { do: 'help', subject: '' }],
  ['help', { do: 'help', subject: '' }],
  ['group', { do: 'help', subject: 'group' }],
  ['group --help', { do: 'help', subject: 'group' }],
  ['help group create', { do: 'help', subject: 'group:create' }],
  ['group create --help', { do: 'help', subject: 'group:create' }],
  ['--version', { do: 'version' }],
  ['upload -- --help', { do: 'run', id: 'upload', argv: ['--', '--help'] }],
])('shoal %s', (line, request) => {
  expect(ask(line)).toEqual(request)
})

test.each([
  ['gruop list', 'group list'],
  ['group lst', 'group list'],
  ['logn ada', 'login'],
])('shoal %s is not a command, and the hint suggests the closest one', (line, meant) => {
  expect(() => ask(line)).toThrow(
    expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining(`"shoal ${meant}"`) }),
  )
})

test.each(['frobnicate', 'frobnicate --json', '--frob', '--json', '__proto__', 'constructor'])(
  'shoal %s is not a command, and the hint says how to list them',
  (line) => {
    expect(() => ask(line)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('--help') }),
    )
  },
)

test('output is JSON if --json precedes -- or SHOAL_JSON is set', () => {
  expect(wantsJson(['group', 'list', '--json'], {})).toBe(true)
  expect(wantsJson(['group', 'list', '--', '--json'], {})).toBe(false)
  expect(wantsJson([], { SHOAL_JSON: '1' })).toBe(true)
  expect(wantsJson([], { SHOAL_JSON: '0' })).toBe(false)
})

test('edit distance is a metric, zero between equals and at most the longer length', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, a)).toBe(0)
      expect(editDistance(a, b)).toBe(editDistance(b, a))
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c))
    }),
  )
})
