import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { answerFault } from '../../tracker-client/response-check.ts'
import { CHECKS } from '../../tracker-client/response-checks.gen.ts'
import type { ResponseName } from '../../tracker-client/response-faults.ts'
import { RESPONSES } from '../../tracker-client/response-faults.ts'

const root = join(import.meta.dirname, '../..')
const node = (...args: string[]): string =>
  execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })

test('response-checks.gen.ts is up to date with the schemas (else: npm run gen:checks)', () => {
  node('scripts/gen-response-checks.ts', '--check')
})

const NAMES = Object.keys(RESPONSES) as ResponseName[]
const STRANGE = [undefined, null, 0, -1, 0.5, 2 ** 53, '', 'x', 'f'.repeat(64), [], [1], {}, true, [null]]

/** A valid body with one element in each list. */
function sample(schema: TSchema): unknown {
  if (Type.IsObject(schema))
    return Object.fromEntries(Object.entries(schema.properties).map(([key, of]) => [key, sample(of)]))
  if (Type.IsIntersect(schema)) return Object.assign({}, ...schema.allOf.map(sample))
  if (Type.IsArray(schema)) return [sample(schema.items)]
  if (Type.IsString(schema) && 'pattern' in schema) return 'f'.repeat(64)
  return Value.Create(schema)
}

/** The body with one value in it replaced or removed. */
function spoil(body: unknown, random: (below: number) => number): unknown {
  const keys = typeof body === 'object' && body !== null ? Object.keys(body) : []
  if (keys.length === 0 || random(4) === 0) return STRANGE[random(STRANGE.length)]
  const copy = structuredClone(body) as Record<string, unknown>
  const key = keys[random(keys.length)]!
  if (random(5) === 0) delete copy[key]
  else copy[key] = spoil(copy[key], random)
  return copy
}

test('the generated checks agree with TypeBox, and every refusal has a description', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom(...NAMES),
    fc.infiniteStream(fc.nat()),
    async (name, numbers) => {
      const random = (below: number): number => (numbers.next().value as number) % below
      const whole = sample(RESPONSES[name])
      expect(CHECKS[name](whole)).toBe(true)
      for (const body of [whole, spoil(whole, random), spoil(spoil(whole, random), random)]) {
        const right = Value.Check(RESPONSES[name], body)
        expect([body, CHECKS[name](body)]).toEqual([body, right])
        expect(await answerFault(name, body)).toEqual(right ? null : expect.any(String))
      }
    },
  )
  await fc.assert(property, { numRuns: 1500 })
})

test('commands and peers load neither TypeBox nor prom-client, which would cost a fifth of their start-up', () => {
  const listing = `
    import { registerHooks } from 'node:module'
    const seen = new Set()
    registerHooks({
      resolve(name, context, next) {
        const found = next(name, context)
        seen.add(found.url.match(/node_modules\\/((?:@[^/]+\\/)?[^/]+)/)?.[1])
        return found
      },
    })
    await import('./peer/start.ts')
    await import('./tracker-client/client.ts')
    await (await import('./plugins/metrics/peer.ts')).default({ setting: () => undefined })
    console.log(JSON.stringify([...seen]))`
  const loaded = JSON.parse(node('--input-type=module', '-e', listing)) as string[]
  expect(loaded).toContain('bullmq')
  expect(loaded.filter((name) => ['typebox', 'prom-client', 'fastify'].includes(name))).toEqual([])
})
