import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TSchema } from 'typebox'
import { Code } from 'typebox/compile'
import { RESPONSES } from '../tracker-client/response-faults.ts'

/**
 * Writes tracker-client/response-checks.gen.ts: the schemas of a tracker's answers as plain functions, so that
 * a command need not load TypeBox. With --check, only reports whether the file is up to date. Run `npm run
 * gen:checks` after a change to tracker-client/api/schemas.ts.
 */
const file = fileURLToPath(new URL('../tracker-client/response-checks.gen.ts', import.meta.url))
const checks = Object.entries(RESPONSES).map(
  ([name, schema]) => `  ${name}: (() => {\n${checkOf(schema)}  })(),\n`,
)
const text = `// @ts-nocheck
// Generated from tracker-client/api/schemas.ts by \`npm run gen:checks\`. Do not edit.
import type { ResponseName } from './response-faults.ts'

export const CHECKS: Record<ResponseName, (value: unknown) => boolean> = {
${checks.join('')}}
`
if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  console.error(`${file} is stale: run \`npm run gen:checks\``)
  process.exitCode = 1
}

/** The body of a function that returns the schema's check, cut out of the module that TypeBox generates. */
function checkOf(schema: TSchema): string {
  const { Code: module, External } = Code(schema)
  const functions = module.split('\n').filter((line) => line.startsWith('const check_'))
  const entry = /^export function Check\(value\) \{ return (.*) \}$/m.exec(module)?.[1]
  if (entry === undefined || functions.length === 0)
    throw new Error(`unexpected code from TypeBox:\n${module}`)
  const foreign = /\b(Guard|Hashing)\./.exec(functions.join('\n'))
  if (foreign) throw new Error(`the check needs TypeBox's ${foreign[1]} at run time:\n${module}`)
  const outside = External.variables.map((variable) => {
    if (variable instanceof RegExp) return String(variable)
    throw new Error(`the check needs an external value other than a pattern:\n${module}`)
  })
  const lines = [`const External = [${outside.join(', ')}]`, ...functions, `return (value) => ${entry}`]
  return lines.map((line) => `    ${line}\n`).join('')
}
