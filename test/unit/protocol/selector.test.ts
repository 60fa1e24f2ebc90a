import fc from 'fast-check'
import { parseTarget } from '../../../protocol/names.ts'
import {
  checkTag,
  isTag,
  parseSelectedName,
  parseSelector,
  selectedNames,
  selectorText,
} from '../../../protocol/selector.ts'

const ID = '0123456789abcdef'.repeat(4)

test.each([
  ['latest', { kind: 'latest' }],
  ['3', { kind: 'version', version: 3 }],
  ['100000000000000', { kind: 'version', version: 100_000_000_000_000 }],
  [`sha256:${ID}`, { kind: 'content', prefix: ID }],
  ['sha256:0123456789AB', { kind: 'content', prefix: '0123456789ab' }],
  ['stable', { kind: 'tag', tag: 'stable' }],
  ['v1.2_rc-3', { kind: 'tag', tag: 'v1.2_rc-3' }],
  ['0', null],
  ['03', null],
  ['', null],
  ['Stable', null],
  ['-x', null],
  ['sha256:0123456789a', null],
  [`sha256:${ID}0`, null],
  ['sha256:0123456789ag', null],
  ['a b', null],
  ['x'.repeat(65), null],
])('the selector %j is parsed', (text, selector) => {
  expect(parseSelector(text)).toEqual(selector)
})

test.each([
  ['app@3', 'app', '3', ''],
  ['app@3/bin/tool', 'app', '3', 'bin/tool'],
  ['a/b@stable', 'a/b', 'stable', ''],
  ['a@b@c', 'a@b', 'c', ''],
  ['a@2/b@x', 'a@2/b', 'x', ''],
  ['a@2/b@X', 'a', '2', 'b@X'],
  ['@scope/pkg@1', '@scope/pkg', '1', ''],
  [`app@sha256:${ID}/lib`, 'app', `sha256:${ID}`, 'lib'],
])('%s is split at the last @ that a selector follows', (text, name, selector, path) => {
  const found = parseSelectedName(text)
  expect(found && [found.name, selectorText(found.selector), found.path]).toEqual([name, selector, path])
})

test.each(['app', 'app@', '@3', 'a/@3', 'Mail@Example', 'app@ 3', ''])('%j selects no version', (text) => {
  expect(parseSelectedName(text)).toBeNull()
})

test('every tag is a selector of its own, and no other selector is a tag', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9._:-]{1,20}$/), (text) => {
      const selector = parseSelector(text)
      expect(selector?.kind === 'tag').toBe(isTag(text))
      if (selector && selector.kind !== 'content') expect(selectorText(selector)).toBe(text)
    }),
  )
})

test.each(['7', 'latest', 'Stable', '', '.x', 'x'.repeat(65), 'sha256:0123456789ab'])(
  '%j is no tag',
  (tag) => {
    expect(() => checkTag(tag)).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
  },
)

test('the limits of a file name do not count its selector', () => {
  const name = 'x'.repeat(255)
  expect(parseTarget(`team:${name}@sha256:${ID}`).name).toBe(`${name}@sha256:${ID}`)
  expect(() => parseTarget(`team:${name}x@3`)).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
  expect(() => parseTarget('team:a/../b@3')).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
})

test('an "@" in a path of a tree leaves the other ways to split a name open', () => {
  const ways = (text: string) => [...selectedNames(text)].map(({ name, path }) => [name, path])
  expect(ways('app@3/icons/logo@2x.png')).toEqual([
    ['app@3/icons/logo', ''],
    ['app', 'icons/logo@2x.png'],
  ])
  expect(ways('app/icons/logo')).toEqual([])
})
