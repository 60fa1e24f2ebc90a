import { documentParts, gathered } from '../../../../cli/text/parts.ts'

test('a document in parts is the JSON of the whole, on one line', () => {
  for (const head of [{}, { a: 1, b: 'x' }])
    for (const items of [[], [{ c: '1' }], [{ c: 1 }, { d: [2] }]]) {
      const text = [...documentParts(head, 'items', items)].join('')
      expect(text).toBe(`${JSON.stringify({ ...head, items })}\n`)
    }
})

test('short parts are gathered into long ones, without loss', () => {
  const parts = Array.from({ length: 100_000 }, (_, i) => `${i}\n`)
  const long = [...gathered(parts)]
  expect(long.join('')).toBe(parts.join(''))
  expect(long.length).toBeLessThan(12)
  expect([...gathered([])]).toEqual([])
})
