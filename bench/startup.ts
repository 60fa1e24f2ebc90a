import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { type Bench, median, rounded } from './lib/bench.ts'

const SHOAL = process.env.SHOAL_BIN ?? join(import.meta.dirname, '../bin/shoal')

/** What every command costs before it does anything. */
export const startup: Bench = {
  name: 'startup',
  about: '`shoal --version`, whole process',
  needs: [],
  async run({ quick }, report) {
    const seconds = Array.from({ length: quick ? 3 : 15 }, () => {
      const begun = performance.now()
      execFileSync(SHOAL, ['--version'])
      return (performance.now() - begun) / 1000
    })
    report({
      what: '`shoal --version`',
      value: rounded(1000 * median(seconds)),
      unit: 'ms',
      detail: { seconds },
    })
  },
}
