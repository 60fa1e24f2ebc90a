import pjson from '../package.json' with { type: 'json' }
import { versionLine } from '../packed/runtime.ts'

/**
 * The version line if the arguments ask only for the version, else null. People and scripts ask often, so the
 * caller prints it before it loads anything else.
 */
export function versionAsked(argv: readonly string[]): string | null {
  if (argv.length !== 1 || (argv[0] !== '--version' && argv[0] !== '-v')) return null
  return versionLine(pjson)
}
