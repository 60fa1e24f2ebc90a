import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, interleaved, median, rounded } from './lib/bench.ts'
import { programPath, programsHere } from './lib/programs.ts'

const BINARY_VERSION = '`shoal --version`, the single binary'

/** The start-up cost of every command. */
export const startup: Bench = {
  name: 'startup',
  about:
    '`shoal --version` and `--help`, whole processes, of a checkout by Node and Deno, and of the single binary',
  needs: [],
  async run({ quick }, report) {
    const hasBinary = programsHere().includes('binary')
    const home = mkdtempSync(join(tmpdir(), 'shoal-startup-'))
    const timed =
      (program: string, ...words: string[]) =>
      async (): Promise<number> => {
        const begun = performance.now()
        execFileSync(program, words, { env: { ...process.env, SHOAL_HOME: home }, stdio: 'ignore' })
        return (performance.now() - begun) / 1000
      }
    const contenders: Record<string, () => Promise<number>> = {
      '`node -e 0`': timed(process.execPath, '-e', '0'),
      '`shoal --version`': timed(programPath('node'), '--version'),
      '`shoal --help`': timed(programPath('node'), '--help'),
    }
    contenders['`shoal --version`, Deno'] = timed(programPath('deno'), '--version')
    contenders['`shoal --help`, Deno'] = timed(programPath('deno'), '--help')
    if (hasBinary) {
      contenders[BINARY_VERSION] = timed(programPath('binary'), '--version')
      contenders['`shoal --help`, the single binary'] = timed(programPath('binary'), '--help')
    }
    try {
      const all = await interleaved(quick ? 3 : 15, contenders)
      for (const [what, seconds] of Object.entries(all))
        report({
          what,
          value: rounded(1000 * median(seconds)),
          unit: 'ms',
          ...(what === BINARY_VERSION ? { target: { atMost: 120 } } : {}),
          detail: { seconds },
        })
    } finally {
      rmSync(home, { recursive: true })
    }
    if (hasBinary)
      report({
        what: 'size of the single binary',
        value: rounded(statSync(programPath('binary')).size / 2 ** 20),
        unit: 'MiB',
      })
  },
}
