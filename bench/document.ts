import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdown, readTable } from './lib/results.ts'

/**
 * Writes docs/performance/figures.md from the latest table (bench/results/latest.json). With --check, only
 * reports whether the page is up to date.
 */
const PAGE = join(import.meta.dirname, '..', 'docs', 'performance', 'figures.md')

const INTRODUCTION = `# Performance: the figures

\`npm run bench:document\` writes this page from \`bench/results/latest.json\`; do not edit it. How each row is measured is
in [method.md](method.md), what explains it is in [findings.md](findings.md). A row without a target is there for
comparison.

`

const text = INTRODUCTION + markdown(readTable())
if (!process.argv.includes('--check')) writeFileSync(PAGE, text)
else if (readFileSync(PAGE, 'utf8') !== text) {
  console.error(`${PAGE} is stale: run \`npm run bench:document\``)
  process.exitCode = 1
}
