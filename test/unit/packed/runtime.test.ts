import pjson from '../../../package.json' with { type: 'json' }
import { faultOfDeno } from '../../../packed/runtime.ts'

test.each(['2.9.5', '2.8.12', '1.99.99', '2.9'])('Deno %s is refused', (version) => {
  expect(faultOfDeno(version)).toBe(`Deno ${version} is too old: Shoal needs 2.9.6 or later`)
})

test.each([undefined, pjson.devDependencies.deno, '2.9.10', '2.10.0', '3.0.0'])(
  'Deno %s is accepted',
  (version) => {
    expect(faultOfDeno(version)).toBe(null)
  },
)
