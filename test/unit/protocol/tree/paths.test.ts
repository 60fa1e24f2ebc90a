import fc from 'fast-check'
import { compareNames, comparePaths, nameFault } from '../../../../protocol/tree/paths.ts'

const names = fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => !name.includes('/'))
const sign = Math.sign

test('names are ordered by the bytes of their UTF-8 form', () => {
  const astral = fc.constantFrom('\ud83d\ude00', '\uffee', '\ue000', 'é', 'z')
  const wild = fc.oneof(
    names,
    fc.array(astral).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(wild, wild, (a, b) => {
      expect(sign(compareNames(a, b))).toBe(Buffer.from(a).compare(Buffer.from(b)))
    }),
  )
})

test('paths are ordered as lists of names: a folder, what is in it, and then its siblings', () => {
  fc.assert(
    fc.property(fc.array(names, { minLength: 1 }), fc.array(names, { minLength: 1 }), (a, b) => {
      const at = a.findIndex((name, i) => name !== b[i])
      const order = at < 0 ? a.length - b.length : at >= b.length ? 1 : compareNames(a[at]!, b[at]!)
      expect(sign(comparePaths(a.join('/'), b.join('/')))).toBe(sign(order))
    }),
  )
  const sorted = ['a', 'a/b', 'a/b/c', 'a/c', 'a b', 'a-b', 'a.txt', 'aa', 'b']
  expect([...sorted].reverse().sort(comparePaths)).toEqual(sorted)
})

test.each(['x', '.x', '..x', 'x.shoal-parts', 'e\u0301', 'é', 'a:b', ' ', 'CON'])(
  '%j is a name in a tree',
  (name) => {
    expect(nameFault(name)).toBeNull()
  },
)

test.each(['', '.', '..', 'a/b', 'a\\b', 'a\nb', 'x.SHOAL-PART.journal', 'x'.repeat(256)])(
  '%j is not a name in a tree',
  (name) => {
    expect(nameFault(name)).not.toBeNull()
  },
)
