import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Names in `export { a, type B } from` and `export type { C } from`. */
function exportsOf(text: string): string[] {
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter(Boolean),
  )
}

/** Names in the first column of the reference tables. */
function documented(text: string): string[] {
  const [, reference = ''] = /^## Reference\n([\s\S]*?)^## /m.exec(text) ?? []
  return reference
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...line.split(' | ')[0]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
}

test('docs/plugins.md lists exactly the exports of @shoal/plugin', () => {
  const exported = exportsOf(read('plugin-api/index.ts')).sort()
  expect(exported.length).toBeGreaterThan(40)
  expect(documented(read('docs/plugins.md')).sort()).toEqual(exported)
})

test('the scanner sees every form of export', () => {
  expect(exportsOf("export { a, type B } from 'x'\nexport type {\n  C,\n  D,\n} from 'y'\n")).toEqual([
    'a',
    'B',
    'C',
    'D',
  ])
})
