import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT_CODES } from '../../cli/process/exit-codes.ts'
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts'

const root = join(import.meta.dirname, '../..')
const FOLDERS = ['cli', 'commands', 'peer', 'protocol', 'redis', 'tracker', 'tracker-client', 'tracker-store']

/** Rows of the error table: code, HTTP status, exit status, when, what to do. */
const rows = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| `[A-Z_]+` \|/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |\s*\|$/g, '').trim()))

const documented = new Map(rows.map(([code = '', ...rest]) => [code.replaceAll('`', ''), rest]))

test('docs/errors.md lists exactly the codes of protocol/errors.ts, in the same order', () => {
  expect(rows.map(([code]) => code!.replaceAll('`', ''))).toEqual(Object.keys(ERRORS))
})

test.each(Object.entries(ERRORS))(
  'docs/errors.md gives the statuses of %s, when it occurs and what to do',
  (code, error) => {
    const [status, exit, when, todo] = documented.get(code) ?? []
    expect(status).toBe(String(error.status))
    expect(exit).toBe(code === 'INTERRUPTED' ? '129, 130, 143' : String(EXIT_CODES[error.kind]))
    expect(when?.length).toBeGreaterThan(5)
    expect(todo?.length).toBeGreaterThan(5)
  },
)

test('the sources use every error code', () => {
  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|lua)$/.test(name))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  ).join('\n')
  const unused = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => !sources.includes(`'${code}'`))
  expect(unused).toEqual([])
})
