import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WORK } from './paths.ts'
import { EXEC_ARGV } from './sea.ts'

/** Commands that load what most commands load: the help, and a request to a tracker that does not exist. */
const RUNS = ['--help', 'user login nobody --tracker http://127.0.0.1:65535', 'peer status']

/**
 * Caches the compiled code that `app` runs at start-up, and returns the path. V8 caches only functions that
 * it has compiled, so this runs a few commands first.
 */
export function buildCodeCache(app: string): string {
  const out = join(WORK, 'app.cache')
  const maker = join(WORK, 'make-cache.cjs')
  writeFileSync(maker, MAKER)
  // V8 rejects a cache made with other options.
  execFileSync(process.execPath, [...EXEC_ARGV, maker, app, out, ...RUNS], {
    env: { PATH: process.env.PATH, SHOAL_HOME: join(WORK, 'home'), SHOAL_PASSWORD: 'none', SHELL: '' },
    stdio: 'ignore',
  })
  return out
}

const MAKER = `
const { readFileSync, writeFileSync } = require('node:fs')
const { constants, Script } = require('node:vm')
const [, , app, out, ...runs] = process.argv
const script = new Script(readFileSync(app, 'latin1'), {
  filename: '/shoal/bin/app.cjs',
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
})
const program = { exports: {} }
script.runInThisContext()(program.exports, require, program)
const exit = process.exit
async function run(words) {
  // A command ends by exiting the process; here that only ends the run.
  const ended = new Promise((resolve) => {
    process.exit = () => {
      resolve()
      throw new Error('ended')
    }
  })
  program.exports.start(words, '/shoal').catch(() => {})
  await ended
}
async function main() {
  for (const line of runs) await run(line.split(' '))
  writeFileSync(out, script.createCachedData())
  exit(0)
}
main()
`
