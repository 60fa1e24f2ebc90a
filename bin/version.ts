import pjson from '../package.json' with { type: 'json' }

/**
 * The answer where the version alone is asked for, else null. People and scripts ask for it often, so it is
 * answered before anything else is loaded.
 */
export function versionAsked(argv: readonly string[]): string | null {
  if (argv.length !== 1 || (argv[0] !== '--version' && argv[0] !== '-v')) return null
  return `${pjson.name}/${pjson.version} ${process.platform}-${process.arch} node-${process.version}`
}
