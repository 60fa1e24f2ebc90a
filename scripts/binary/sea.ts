import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WORK } from './paths.ts'

export interface Executable {
  main: string
  /** Files to embed, by the path under which the program looks them up. */
  assets: Record<string, string>
  out: string
}

/** Options for V8 and Node. In a checkout bin/shoal passes them. The binary ignores NODE_OPTIONS. */
export const EXEC_ARGV = ['--max-semi-space-size=4', '--disable-warning=ExperimentalWarning']

/** Writes a copy of this Node with `main` and the assets embedded. */
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
    // Take options from the command line, not the environment; bin/binary.ts restarts itself with its own.
    execArgvExtension: 'cli',
    assets,
  }
  const file = join(WORK, 'sea.json')
  writeFileSync(file, JSON.stringify(config, null, 2))
  execFileSync(process.execPath, ['--build-sea', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  // macOS refuses a changed program until it is signed again; "-" is an ad-hoc signature.
  if (process.platform === 'darwin') execFileSync('codesign', ['--sign', '-', '--force', made])
  // A running program's file cannot be written, but a rename can replace it.
  renameSync(made, out)
}
