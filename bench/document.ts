import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdown, readTable } from './lib/results.ts'

/**
 * Puts the latest table between its markers in docs/performance.md; the rest of the page is written by hand.
 */
const PAGE = join(import.meta.dirname, '..', 'docs', 'performance.md')
const [BEGIN, END] = ['<!-- bench: begin -->', '<!-- bench: end -->']

const page = readFileSync(PAGE, 'utf8')
const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)]
if (start < 0 || end < start) throw new Error(`${PAGE} has no place for the table`)
const before = page.slice(0, start + BEGIN.length)
writeFileSync(PAGE, `${before}\n${markdown(readTable())}${page.slice(end)}`)
