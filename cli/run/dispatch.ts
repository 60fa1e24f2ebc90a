import { ShoalError } from '../../protocol/errors.ts'

/** Global flags with a value. They may precede the command, so the value must not be taken for one of its words. */
const VALUED = new Set(['--home', '--tracker', '--progress', '--log-level', '--tracker-ca'])

export type Request =
  | { do: 'version' }
  /** `subject` is a command or topic id, or '' for everything. */
  | { do: 'help'; subject: string }
  | { do: 'run'; id: string; argv: string[] }

/**
 * Parses a command line. `ids` are the ids of all commands and aliases ("group:create"). Throws USAGE for an unknown
 * command, with the closest one as a hint.
 */
export function parseCommandLine(argv: readonly string[], ids: readonly string[]): Request {
  const { leading, rest } = splitLeadingFlags(argv)
  if (leading.includes('--version') || leading.includes('-v')) return { do: 'version' }
  const asked = rest[0] === 'help' ? rest.slice(1) : rest
  const words = asked.slice(0, firstFlag(asked))
  const help = rest[0] === 'help' || leading.includes('--help') || beforeDashes(asked).includes('--help')
  if (words.length === 0 && (help || argv.length === 0)) return { do: 'help', subject: '' }
  const id = longestId(words, ids)
  if (id !== null)
    return help
      ? { do: 'help', subject: id }
      : { do: 'run', id, argv: [...asked.slice(id.split(':').length), ...leading] }
  if (words.length === 1 && ids.some((known) => known.startsWith(`${words[0]}:`)))
    return { do: 'help', subject: words[0] as string }
  throw unknown(words.length === 0 ? argv : words, ids)
}

function splitLeadingFlags(argv: readonly string[]): { leading: string[]; rest: string[] } {
  let at = 0
  while (argv[at]?.startsWith('-') && argv[at] !== '--') at += VALUED.has(argv[at] as string) ? 2 : 1
  return { leading: argv.slice(0, at), rest: argv.slice(at) }
}

function firstFlag(words: readonly string[]): number {
  const at = words.findIndex((word) => word.startsWith('-') && word !== '-')
  return at === -1 ? words.length : at
}

function beforeDashes(words: readonly string[]): readonly string[] {
  const at = words.indexOf('--')
  return at === -1 ? words : words.slice(0, at)
}

function longestId(words: readonly string[], ids: readonly string[]): string | null {
  for (const count of [2, 1]) {
    const id = words.slice(0, count).join(':')
    if (words.length >= count && ids.includes(id)) return id
  }
  return null
}

function unknown(words: readonly string[], ids: readonly string[]): ShoalError {
  const text = words.slice(0, 2).join(' ')
  const near = ids
    .map((id) => ({ name: id.replaceAll(':', ' '), distance: distanceTo(id.split(':'), words) }))
    .sort((a, b) => a.distance - b.distance)[0]
  const meant = near && near.distance <= 3 ? `did you mean "shoal ${near.name}"?` : null
  return new ShoalError('USAGE', `${JSON.stringify(text)} is not a command`, {
    hint: [meant, 'shoal --help lists the commands'].filter(Boolean).join(' '),
  })
}

/** Edit distance between a command's words and the same number of typed words. */
function distanceTo(id: readonly string[], words: readonly string[]): number {
  return editDistance(id.join(' '), words.slice(0, id.length).join(' '))
}

/** Levenshtein distance with one row. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** Whether to print the answer or error as one JSON document. */
export function wantsJson(argv: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return beforeDashes(argv).includes('--json') || /^(1|true|y|yes)$/i.test(env.SHOAL_JSON ?? '')
}

/** The home that a command line names, which decides which plugins exist. Undefined if it names none. */
export function homeOf(argv: readonly string[], env: NodeJS.ProcessEnv): string | undefined {
  const words = beforeDashes(argv)
  for (let at = words.length - 1; at >= 0; at--) {
    if (words[at] === '--home') return words[at + 1]
    if (words[at]?.startsWith('--home=')) return words[at]?.slice('--home='.length)
  }
  return env.SHOAL_HOME
}
