import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import pjson from '../../package.json' with { type: 'json' }
import { COMMANDS } from '../support/commands.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const documents = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*.md'], { cwd: root })
  .toString()
  .trim()
  .split('\n')
  .filter((path) => existsSync(join(root, path)))

interface CommandEntry {
  aliases: string[]
  flags: Record<string, { char?: string; aliases?: string[] }>
}

const commands = new Map<string, CommandEntry>()
for (const [id, command] of Object.entries(COMMANDS as unknown as Record<string, CommandEntry>))
  for (const name of [id, ...command.aliases]) commands.set(name.replaceAll(':', ' '), command)
// docs/plugins.md also shows the commands of the plugins that it writes.
for (const [, id = ''] of read('docs/plugins.md').matchAll(/'(\w+:\w+)': \(\) => import/g))
  commands.set(id.replaceAll(':', ' '), { aliases: [], flags: {} })
const topics = new Set(
  [...commands.keys()].flatMap((name) => (name.includes(' ') ? [name.split(' ')[0]!] : [])),
)

/** Every command line that starts with `shoal`, from code blocks and inline code. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh.*?\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.split('\n'),
  )
  const inline = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, code = '']) => code,
  )
  return [...blocks, ...inline].filter((line) => /^(\.\/bin\/)?shoal /.test(line))
}

/** The first fault of a command line that the command table can reveal. */
function faultOf(line: string): string | null {
  const words = line
    .replace(/\s#.*$/, '')
    .trim()
    .split(/\s+/)
    .slice(1)
  if (words[0] === '--help' || words[0] === '--version') return null
  const name = [words.slice(0, 2).join(' '), words[0] ?? ''].find((known) => commands.has(known))
  if (name === undefined)
    return words.length === 1 && topics.has(words[0]!) ? null : `${line}: no such command`
  const { flags } = commands.get(name)!
  const known = new Set(
    Object.entries(flags).flatMap(([flag, { char }]) => [`--${flag}`, ...(char ? [`-${char}`] : [])]),
  )
  const unknown = words.filter((word) => /^--?[a-z]/.test(word) && !known.has(word.split('=')[0]!))
  return unknown.length > 0 ? `${line}: no flag ${unknown.join(' ')}` : null
}

test('every relative link in a document points to an existing file', () => {
  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(path), target.split('#')[0]!)))
      .map((target) => `${path}: ${target}`),
  )
  expect(documents).toContain('README.md')
  expect(broken).toEqual([])
})

test('every command line in a document uses an existing command and existing flags', () => {
  const lines = documents.map((path) => ({ path, lines: commandLines(read(path)) }))
  expect(lines.flatMap((each) => each.lines).length).toBeGreaterThan(30)
  expect(
    lines.flatMap(({ path, lines }) =>
      lines.flatMap((line) => (faultOf(line) ? `${path}: ${faultOf(line)}` : [])),
    ),
  ).toEqual([])
})

test('the check finds unknown commands and flags', () => {
  expect(faultOf('shoal group destroy team')).toContain('no such command')
  expect(faultOf('shoal group create team --force')).toContain('no flag --force')
})

test('every npm script in a document exists', () => {
  const named = documents.flatMap((path) =>
    [...read(path).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!),
  )
  expect(named.filter((name) => !(name in pjson.scripts))).toEqual([])
})

test('every repository file named in backticks in a document exists', () => {
  const missing = documents.flatMap((path) =>
    [
      ...read(path).matchAll(
        /`((?:bin|cli|commands|docs|peer|protocol|redis|scripts|test|testkit|tracker|tracker-client|tracker-store)\/[\w./-]*)`/g,
      ),
    ]
      .map(([, named]) => named!)
      .filter((named) => !existsSync(join(root, named)))
      .map((named) => `${path}: ${named}`),
  )
  expect(missing).toEqual([])
})

test('every function that a recipe calls is in the sources, a private one in a file that the recipe names', () => {
  const NAMES = /#?\b[a-z_]\w*(?=(?:<[^>\n]*>)?\()/gi
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*.ts', '*.lua'], {
    cwd: root,
  })
  const sources = listed.toString().trim().split('\n')
  const namesIn = (paths: string[]) =>
    new Set(
      paths.filter((path) => existsSync(join(root, path))).flatMap((path) => read(path).match(NAMES) ?? []),
    )
  const everywhere = namesIn(sources)
  const recipes = documents.filter((path) => path.startsWith('docs/howto/'))
  const calls = recipes.flatMap((path) => {
    const code = [...read(path).matchAll(/```(?:ts|lua)\n[\s\S]*?```|`[^`\n]+`/g)].map(([text]) => text)
    const named = namesIn(sources.filter((source) => code.includes(`\`${source}\``)))
    return code
      .flatMap((text) => text.match(NAMES) ?? [])
      .map((name) => ({ path, name, found: (name.startsWith('#') ? named : everywhere).has(name) }))
  })
  expect(calls.length).toBeGreaterThan(30)
  expect(calls.filter(({ found }) => !found)).toEqual([])
})

test('the README begins with three sentences, then the demo command and the test command', () => {
  const [, introduction = '', block = ''] =
    /^# Shoal\n\n(.+)\n\n```sh\n([\s\S]*?)```/.exec(read('README.md')) ?? []
  expect(introduction.split(/(?<=\.) /).length).toBe(3)
  const named = block
    .split('\n')
    .map((line) => line.replace(/\s*#.*/, ''))
    .filter(Boolean)
  expect(named).toEqual(['./bin/quickstart', 'npm cit'])
  expect(existsSync(join(root, 'bin/quickstart'))).toBe(true)
})

test('docs/performance/figures.md shows the latest results (else: npm run bench:document)', () => {
  execFileSync(process.execPath, [join(root, 'bench/document.ts'), '--check'], { encoding: 'utf8' })
})

test('decision 1 gives a reason for exactly the packages in use', () => {
  const text = read('docs/decisions/0001-dependencies.md')
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
  const ofPlugins = readdirSync(join(root, 'plugins')).flatMap((plugin) =>
    Object.keys(JSON.parse(read(`plugins/${plugin}/package.json`)).dependencies),
  )
  const used = [
    ...Object.keys(pjson.dependencies),
    ...Object.keys(pjson.devDependencies),
    ...ofPlugins,
  ].filter((name, at, all) => name !== '@shoal/plugin' && all.indexOf(name) === at)
  expect(named.sort()).toEqual(used.sort())
})

test('decision records are numbered without a gap, and each has date, status, context, decision, consequence and measurements', () => {
  const pages = documents.filter((path) => path.startsWith('docs/decisions/')).sort()
  pages.forEach((path, i) => {
    const number = String(i + 1).padStart(4, '0')
    expect(relative('docs/decisions', path).slice(0, 5)).toBe(`${number}-`)
    const text = read(path)
    expect(text).toMatch(
      new RegExp(`^# ${i + 1}\\. .+\n\nDate: [-\\d]{10} · Status: (accepted|superseded by \\d{4})\n`),
    )
    for (const part of ['Context', 'Decision', 'Consequence', 'Measured'])
      expect(text).toContain(`**${part}.**`)
  })
  expect(pages.length).toBeGreaterThan(0)
})
