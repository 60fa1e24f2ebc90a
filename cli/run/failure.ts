import { stripVTControlCharacters } from 'node:util'
import { ShoalError, storageErrorOf } from '../../protocol/errors.ts'
import { InvalidFlag } from '../input/flag-errors.ts'

/** Converts anything that a command threw into the one error for its user. */
export function toShoalError(thrown: unknown): ShoalError {
  if (thrown instanceof ShoalError) return thrown
  if (thrown instanceof InvalidFlag) return thrown.reason
  if (!(thrown instanceof Error)) return unexpected(new Error(String(thrown)))
  // Node's own functions wrap an abort signal's reason.
  if (thrown.name === 'AbortError' && thrown.cause instanceof ShoalError) return thrown.cause
  if ('oclif' in thrown) return parseFailure(thrown)
  const stored = storageErrorOf(thrown)
  return stored instanceof ShoalError ? stored : unexpected(stored)
}

/** The document that `--json` prints. It always has a hint. */
export function errorDocument(error: ShoalError): object {
  return { error: { code: error.code, message: error.message, hint: hintOf(error) } }
}

/** The text on stderr. The stack of a bug is shown only with DEBUG. */
export function errorText(error: ShoalError, debug: boolean): string {
  const lines = [`Error: ${error.message}`, `Hint: ${hintOf(error)}`]
  if (debug) lines.push(String((error.cause as Error | undefined)?.stack ?? error.stack))
  return lines.join('\n')
}

const BUG_HINT =
  'this is a bug in shoal: please report it (CONTRIBUTING.md says where) with the output of the same command with DEBUG=1'

function hintOf(error: ShoalError): string {
  if (error.code === 'INTERNAL') return error.hint ?? BUG_HINT
  return error.hint ?? DEFAULT_HINTS[error.kind] ?? 'run the command with --help to see its usage'
}

const DEFAULT_HINTS: Partial<Record<ShoalError['kind'], string>> = {
  unexpected: 'run the same command again',
  auth: 'log in with: shoal user login NAME',
  forbidden: 'run `shoal group show NAME` to see who may do this',
  'not-found': 'check the name with `shoal group list` or `shoal group files NAME`',
  conflict: 'check what exists, then choose another name',
  unreachable: 'check that a tracker is running and that --tracker names it',
  'no-peer': 'try again when a peer that has the file is online, or wait longer with --wait 5m',
  integrity: 'run the same command again: data that does not match is never kept',
  storage: 'check the path, its permissions and the free space',
  busy: 'wait a moment, then run the same command again',
}

function unexpected(cause: Error): ShoalError {
  return new ShoalError('INTERNAL', cause.message || cause.name, { cause })
}

interface OclifError extends Error {
  args?: { name?: string }[] | string[]
  flags?: string[]
}

/** oclif's own complaints about arguments and flags, as one sentence. */
function parseFailure(error: OclifError): ShoalError {
  return new ShoalError('USAGE', parseSentence(error), {
    hint: 'run the command with --help to see its arguments and flags',
    cause: error,
  })
}

function parseSentence(error: OclifError): string {
  const names = (error.args ?? []).map((arg) =>
    typeof arg === 'string' ? arg : (arg.name ?? '').toUpperCase(),
  )
  switch (error.constructor.name) {
    case 'RequiredArgsError':
      return `${names.join(' and ')} must be given`
    case 'UnexpectedArgsError':
      return `the command takes no further argument ${names.map((name) => JSON.stringify(name)).join(', ')}`
    case 'NonExistentFlagsError':
      return `there is no flag ${(error.flags ?? []).join(', ')}`
    case 'FailedFlagValidationError':
      return linesOf(error).slice(1).join('; ')
    default:
      return linesOf(error).join('; ')
  }
}

/** The faults in a message of oclif. The last line of all its parse errors is advice; a heading may be the first. */
function linesOf(error: OclifError): string[] {
  const lines = stripVTControlCharacters(error.message)
    .split('\n')
    .map((line) => line.trim())
  return 'parse' in error ? lines.slice(0, -1) : lines
}
