import pjson from '../package.json' with { type: 'json' }
import { versionLine } from '../packed/runtime.ts'

/**
 * The answer where the version alone is asked for, else null. People and scripts ask for it often, so it is
 * answered before anything else is loaded.
 */
export function versionAsked(argv: readonly string[]): string | null {
  if (argv.length !== 1 || (argv[0] !== '--version' && argv[0] !== '-v')) return null
  return versionLine(pjson)
}
