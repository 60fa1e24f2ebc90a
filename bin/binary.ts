import { constants, Script } from 'node:vm'
import { packedBytes } from '../packed/files.ts'
import type { start } from './start.ts'
import { versionAsked } from './version.ts'

/**
 * The first script of the single binary. The rest (start.ts and all that it imports) is a second one, which is
 * read only where it is needed, and with its compiled code: V8 keeps more of that than it would for this one.
 */
const argv = process.argv.slice(2)
const version = versionAsked(argv)
if (version !== null) console.log(version)
else {
  if (argv[0] === 'tracker' && argv[1] === 'start') enlargeNursery()
  void load().start(argv, '/shoal')
}

/**
 * A tracker has a larger nursery than other commands (bin/shoal says why). V8 reads its options when a process
 * starts, so the process becomes one that has it from the start: the same process, with the same files open.
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
    // Lets it import installed plugins.
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  if (script.cachedDataRejected && process.env.DEBUG)
    console.error('shoal: the compiled code is of no use here')
  const module = { exports: {} as { start: typeof start } }
  script.runInThisContext()(module.exports, require, module)
  return module.exports
}

/** The bundle is written in ASCII, and one byte a character is read the fastest. */
function latin1(file: URL): string {
  const bytes = packedBytes(file)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
