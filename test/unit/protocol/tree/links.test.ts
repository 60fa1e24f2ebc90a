import { leadsOut, outwardLinkError, outwardLinks } from '../../../../protocol/tree/links.ts'
import { buildTree } from '../../../../protocol/tree/tree-reader.ts'
import { file, folder, link } from '../../../support/trees.ts'

const leads = (links: Record<string, string>, path: string): boolean =>
  leadsOut(path, links[path]!, (at) => (Object.hasOwn(links, at) ? links[at] : undefined))

test.each<[string, Record<string, string>, boolean]>([
  ['a sibling', { a: 'b' }, false],
  ['its own folder', { 'd/a': '.' }, false],
  ['the root of the tree', { 'd/a': '..' }, false],
  ['above the root', { a: '..' }, true],
  ['above the root, by a long way', { 'd/a': 'x/../../..' }, true],
  ['an absolute path', { a: '/etc/passwd' }, true],
  ['a missing file', { a: 'no/such/file' }, false],
  ['up and down again', { 'd/a': '../d/b' }, false],
  ['through a link that leads out', { a: 'b/x', b: '/tmp' }, true],
  ['itself', { a: 'a' }, false],
  ['a loop', { a: 'b', b: 'a' }, false],
  ['slashes without names between them', { a: 'b//c/./' }, false],
  ['up from where a link really leads', { a: 'd/e/up/..', 'd/e/up': '../..' }, true],
  ['up from deep within, by a link', { a: 'x/../..', x: 'd/e/f' }, false],
  ['two up from a link to the root', { 'd/a': 'r/../x', 'd/r': '..' }, true],
])('a link to %s is judged as the system follows it', (_, links, outside) => {
  expect(leads(links, Object.keys(links)[0]!)).toBe(outside)
})

test('a target that never ends is not followed for ever', () => {
  const links = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`l${i}`, `l${i + 1}/l${i + 1}`]))
  expect(leads(links, 'l0')).toBe(false)
  expect(leadsOut('a', 'x/'.repeat(2047), () => undefined)).toBe(false)
  expect(leadsOut('a', `${'./'.repeat(2040)}../..`, () => undefined)).toBe(true)
})

test('the links of a tree that lead out are found, and named in the refusal', () => {
  const { index } = buildTree([
    folder('d'),
    file('d/f', 1),
    link('d/in', '../d/f'),
    link('d/out', '../../x'),
    link('o', 'd/out'),
    link('p', '/p'),
  ])
  expect([...outwardLinks(index)].map((entry) => index.path(entry))).toEqual(['d/out', 'o', 'p'])
  const error = outwardLinkError('d/out', '../../x')
  expect(error.code).toBe('LINK_OUTSIDE')
  expect(error.message).toBe('the link "d/out" leads out of the folder, to "../../x"')
})
