import { dirname } from 'node:path'
import { importsOf, programs, sources } from './sources.ts'

test('the scanner sees every form of import', () => {
  const text = `
    import a from './a.ts'
    import { type B, c } from "./b.ts"
    import type { D } from './d.ts'
    import * as e from 'e'
    import './f.ts'
    export { g } from './g.ts'
    export * from './h.ts'
    const i = await import('./i.ts')
    type J = import('./j.ts').J
  `
  expect(importsOf(text)).toEqual([
    './a.ts',
    './b.ts',
    './d.ts',
    'e',
    './f.ts',
    './g.ts',
    './h.ts',
    './i.ts',
    './j.ts',
  ])
  expect(programs.length).toBeGreaterThan(50)
})

test('no source file is longer than 300 lines', () => {
  const long = programs.filter(({ text }) => text.split('\n').length > 301)
  expect(long.map(({ path }) => path)).toEqual([])
})

test('no folder holds more than 24 files side by side', () => {
  const counts = new Map<string, number>()
  for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  expect([...counts].filter(([, count]) => count > 24)).toEqual([])
})
