import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WORK } from './paths.ts'

export interface Executable {
  /** The script that runs first. */
  main: string
  /** Files to carry: by the path under which the program looks them up. */
  assets: Record<string, string>
  out: string
}

/** V8's and Node's options, which bin/shoal gives to Node in a checkout; NODE_OPTIONS is ignored. */
export const EXEC_ARGV = ['--max-semi-space-size=4', '--disable-warning=ExperimentalWarning']

/** Writes a program that is this Node with `main` and the assets in it. */
export function buildExecutable({ main, assets, out }: Executable): void {
  const node = join(WORK, 'node')
  const made = join(WORK, 'shoal')
  copyFileSync(process.execPath, node)
  execFileSync('strip', process.platform === 'darwin' ? ['-x', node] : [node])
  const config = {
    main,
    output: made,
    executable: node,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgv: EXEC_ARGV,
    // Not the environment; bin/binary.ts starts itself anew with options of its own.
    execArgvExtension: 'cli',
    assets,
  }
  const file = join(WORK, 'sea.json')
  writeFileSync(file, JSON.stringify(config, null, 2))
  execFileSync(process.execPath, ['--build-sea', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  // Changed programs do not run on macOS until they are signed again; "-" is an ad-hoc signature.
  if (process.platform === 'darwin') execFileSync('codesign', ['--sign', '-', '--force', made])
  // A program that runs cannot be written to, but another may take its name.
  renameSync(made, out)
}
