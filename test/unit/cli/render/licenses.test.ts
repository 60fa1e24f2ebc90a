import { licensedParts, licensesText } from '../../../../cli/render/licenses.ts'
import pjson from '../../../../package.json' with { type: 'json' }

const parts = licensedParts()

test('Shoal comes first, and every package that it depends on is named with its licence', () => {
  expect(parts[0]).toMatchObject({
    name: 'shoal',
    license: 'MIT',
    text: expect.stringContaining('MIT License'),
  })
  const names = parts.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(Object.keys(pjson.dependencies)))
  expect(parts.filter(({ license }) => license === 'unknown')).toEqual([])
})

test('development dependencies are left out', () => {
  const names = new Set(parts.map(({ name }) => name))
  expect(['jest', 'typescript', 'esbuild', 'node'].filter((name) => names.has(name))).toEqual([])
})

test('a component without a licence text is shown with the licence’s name', () => {
  const bare = { name: 'bare', version: '1.0.0', license: 'ISC', text: '' }
  expect(licensesText([bare])).toContain('bare 1.0.0 (ISC)')
  expect(licensesText([bare])).toContain('names the licence ISC')
})
