import type { Interfaces } from '@oclif/core'
import { ShoalError } from '../../protocol/errors.ts'

/** A flag's value was refused. oclif rewrites the message of what a parser throws, so `reason` holds ours. */
export class InvalidFlag extends Error {
  readonly reason: ShoalError

  constructor(flag: string, thrown: Error) {
    super(thrown.message, { cause: thrown })
    const { code, hint } = thrown instanceof ShoalError ? thrown : { code: 'USAGE' as const, hint: undefined }
    this.reason = new ShoalError(code, `--${flag}: ${thrown.message}`, { hint, cause: thrown })
  }
}

/** The same flags, with parsers that throw InvalidFlag for a value that they refuse. */
export function withFlagErrors<T extends Interfaces.FlagInput>(definitions: T): T {
  const wrapped = Object.entries(definitions).map(([name, flag]) => [name, withError(name, flag)])
  return Object.fromEntries(wrapped) as T
}

function withError(name: string, flag: Interfaces.FlagInput[string]): Interfaces.FlagInput[string] {
  const { parse } = flag
  if (!parse) return flag
  const refuse = (error: unknown): never => {
    // Anything else is a bug of the parser.
    const isRefusal = error instanceof ShoalError || (error instanceof Error && 'oclif' in error)
    throw isRefusal ? new InvalidFlag(name, error) : error
  }
  const parseNamed = async (...words: never[]): Promise<unknown> =>
    (parse as (...words: never[]) => Promise<unknown>).apply(flag, words).catch(refuse)
  return { ...flag, parse: parseNamed } as typeof flag
}
