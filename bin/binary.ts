import { constants, Script } from 'node:vm'
import { packedBytes } from '../packed/files.ts'
import type { start } from './start.ts'
import { versionAsked } from './version.ts'

/**
 * The first script of the single binary. Everything else (start.ts and its imports) is a second script,
 * loaded only when needed together with its compiled code, because V8 caches more code for it than it would
 * for this one.
 */
const argv = process.argv.slice(2)
const version = versionAsked(argv)
if (version !== null) console.log(version)
else {
  if (argv[0] === 'tracker' && argv[1] === 'start') enlargeNursery()
  void load().start(argv, '/shoal')
}

/**
 * Gives a tracker a larger nursery than other commands (bin/shoal says why). V8 reads its options only when a
 * process starts, so the process re-executes itself, keeping its pid and open files.
 */
function enlargeNursery(): void {
  const option = '--max-semi-space-size=16'
  if (process.execArgv.includes(option)) return
  process.execve?.(process.execPath, [process.execPath, `--node-options=${option}`, ...argv])
}

function load(): { start: typeof start } {
  const script = new Script(latin1(new URL('./app.cjs', import.meta.url)), {
    filename: '/shoal/bin/app.cjs',
    cachedData: packedBytes(new URL('./app.cache', import.meta.url)),
    // Allows the program to import installed plugins.
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  if (script.cachedDataRejected && process.env.DEBUG)
    console.error('shoal: V8 rejected the compiled code; ignoring it')
  const module = { exports: {} as { start: typeof start } }
  script.runInThisContext()(module.exports, require, module)
  return module.exports
}

/** The bundle is ASCII, and latin1 decodes fastest. */
function latin1(file: URL): string {
  const bytes = packedBytes(file)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
