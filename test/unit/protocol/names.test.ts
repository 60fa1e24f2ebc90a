import fc from 'fast-check'
import { ShoalError } from '../../../protocol/errors.ts'
import {
  checkFileName,
  checkGroupName,
  checkUserName,
  isBelow,
  parseTarget,
} from '../../../protocol/names.ts'

const HOSTILE = [
  '',
  '.',
  '..',
  '/',
  '//',
  './a',
  'a/.',
  '../a',
  'a/..',
  'a/../b',
  'a/../../b',
  '/etc/passwd',
  '//server/share',
  'a//b',
  'a/',
  'a/b/',
  'C:',
  'C:/windows',
  'c:evil',
  'z:../x',
  'a\\b',
  '..\\..\\x',
  '\\\\server\\share',
  'a\0b',
  '\0',
  'a\nb',
  'a\rb',
  'a\tb',
  'a\u001b[31mred',
  'a\u007f',
  'a\u0085b',
  'a\u009fb',
  'a\u2028b',
  'a\u2029b',
  'invoice\u202egpj.exe',
  'a\u202ab',
  'a\u2066b',
  'a\u2069b',
  'a\u200eb',
  'a\u200fb',
  'a\u061cb',
  'a\ud800',
  '\udc00a',
  'a\ud800/b',
  '\udc00\ud800',
  'x'.repeat(256),
  `${'é'.repeat(128)}`,
  `ok/${'x'.repeat(256)}/ok`,
  `${'a/'.repeat(600)}a`,
  'movie.mkv.shoal-part',
  'dir/movie.mkv.shoal-part.journal',
  'movie.mkv.SHOAL-PART',
  'dir.shoal-part/movie.mkv',
  '.shoal-mirror.json',
  'dir/.Shoal-Mirror.json',
]

const FINE = [
  'a',
  'a/b/c',
  '...',
  '..a',
  'a..',
  '.hidden/.x',
  '-',
  '-rf',
  '~',
  '~root/x',
  '__proto__',
  'constructor/prototype',
  'toString',
  'a b',
  ' ',
  'ab:c',
  'dir/C:x',
  'CON',
  '%2e%2e/x',
  '%00',
  '*?"<>|',
  "it's",
  '$(reboot)',
  '`x`',
  '日本語/ファイル',
  '😀',
  'x'.repeat(255),
  `${'x'.repeat(255)}/`.repeat(4).slice(0, 1023),
]

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return error instanceof ShoalError ? error.code : String(error)
  }
  return 'none'
}

test.each(HOSTILE.map((name) => [JSON.stringify(name).slice(0, 60), name]))(
  '%s is not a file name',
  (_, name) => {
    expect(codeOf(() => checkFileName(name))).toBe('BAD_NAME')
  },
)

test.each(FINE.map((name) => [JSON.stringify(name).slice(0, 60), name]))('%s is a file name', (_, name) => {
  expect(checkFileName(name)).toBe(name.normalize('NFC'))
})

test('a name is returned in NFC, and its length counts in NFC', () => {
  expect(checkFileName('cafe\u0301')).toBe('caf\u00e9')
  const decomposed = 'e\u0301'.repeat(127)
  expect(Buffer.byteLength(decomposed)).toBeGreaterThan(255)
  expect(checkFileName(decomposed)).toBe('\u00e9'.repeat(127))
})

test('an accepted name is stable, relative, and stays inside the folder when joined', () => {
  const wild = fc.array(fc.constantFrom('..', '.', '/', '\\', 'a', 'C:', '\0', 'é', 'e\u0301', '\u202e', ' '))
  fc.assert(
    fc.property(
      fc.oneof(
        wild.map((parts) => parts.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (name) => {
        let checked: string
        try {
          checked = checkFileName(name)
        } catch (error) {
          expect((error as ShoalError).code).toBe('BAD_NAME')
          return
        }
        expect(checkFileName(checked)).toBe(checked)
        expect(new URL(checked.split('/').map(encodeURIComponent).join('/'), 'x://h/root/').pathname).toMatch(
          /^\/root\/./,
        )
        expect(checked.split('/')).not.toContain('..')
      },
    ),
    { numRuns: 500 },
  )
})

test('user and group names are short and plain', () => {
  for (const name of ['a', 'A1', 'a.b-c_d', 'x'.repeat(64), '0'])
    for (const check of [checkUserName, checkGroupName]) expect(check(name)).toBe(name)
  for (const name of [
    '',
    '.',
    '..',
    '-a',
    '_a',
    'a/b',
    'a:b',
    'a b',
    'a{b}',
    'é',
    'a\n',
    'x'.repeat(65),
    '__proto__',
  ])
    for (const check of [checkUserName, checkGroupName]) expect(codeOf(() => check(name))).toBe('BAD_NAME')
})

test.each([
  ['team:a/b', { group: 'team', name: 'a/b' }],
  ['team:ab:c', { group: 'team', name: 'ab:c' }],
  ['team:', { group: 'team', name: '' }],
  ['team:a/', { group: 'team', name: 'a' }],
  ['team:a//', { group: 'team', name: 'a' }],
  ['team:cafe\u0301', { group: 'team', name: 'caf\u00e9' }],
])('%s parses as a target', (text, target) => {
  expect(parseTarget(text)).toEqual(target)
})

test.each([
  ['', 'USAGE'],
  ['team', 'USAGE'],
  [':a', 'USAGE'],
  ['te am:a', 'BAD_NAME'],
  ['team:../a', 'BAD_NAME'],
  ['team:/etc', 'BAD_NAME'],
  ['team:C:/x', 'BAD_NAME'],
])('%j is not a target (%s)', (text, code) => {
  expect(codeOf(() => parseTarget(text))).toBe(code)
})

test('a prefix matches a name only up to a slash or the end', () => {
  expect(isBelow('a/b', 'a')).toBe(true)
  expect(isBelow('a', 'a')).toBe(true)
  expect(isBelow('a/b', '')).toBe(true)
  expect(isBelow('ab', 'a')).toBe(false)
  expect(isBelow('a', 'a/b')).toBe(false)
})
