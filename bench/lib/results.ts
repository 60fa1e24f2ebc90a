import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Measurement } from './bench.ts'

export interface BenchResult {
  name: string
  about: string
  measurements: Measurement[]
  /** The reason why it did not run. */
  skipped?: string
  error?: string
}

interface Table {
  at: string
  machine: { cpus: string; memoryGiB: number; kernel: string; node: string }
  benches: (BenchResult & { at: string })[]
}

const FOLDER = join(import.meta.dirname, '..', 'results')
const JSON_FILE = join(FOLDER, 'latest.json')
const MARKDOWN_FILE = join(FOLDER, 'latest.md')

/** Writes the table as JSON and Markdown. Benches that did not run this time keep their earlier figures. */
export function writeResults(results: readonly BenchResult[]): void {
  mkdirSync(FOLDER, { recursive: true })
  const at = new Date().toISOString()
  const fresh = results.map((result) => ({ ...result, at }))
  const kept = earlier().filter(({ name }) => !fresh.some((result) => result.name === name))
  const table: Table = { at, machine: machine(), benches: [...kept, ...fresh] }
  writeFileSync(JSON_FILE, `${JSON.stringify(table, null, 2)}\n`)
  writeFileSync(MARKDOWN_FILE, markdown(table))
}

/** The latest table. Throws if nothing was measured yet. */
export function readTable(): Table {
  return JSON.parse(readFileSync(JSON_FILE, 'utf8')) as Table
}

/** The figures of the bench's last run. */
export function measuredBefore(name: string): Measurement[] {
  return earlier().find((bench) => bench.name === name)?.measurements ?? []
}

function earlier(): Table['benches'] {
  return existsSync(JSON_FILE) ? readTable().benches : []
}

function machine(): Table['machine'] {
  const model = cpus()[0]?.model.trim() || 'CPU'
  return {
    cpus: `${availableParallelism()} × ${model}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  }
}

/** The table as Markdown. */
export function markdown({ machine, benches }: Table): string {
  const lines = [
    `Measured on ${machine.cpus}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}.`,
    '',
    tableOf(benches),
  ]
  return lines.join('\n')
}

/** One row a figure, with its target and whether it is met. */
export function tableOf(benches: readonly BenchResult[]): string {
  const lines = ['| bench | what | figure | target | |', '|---|---|---|---|---|']
  for (const { name, measurements, skipped, error } of benches) {
    if (skipped || error)
      lines.push(`| ${name} | ${error ? 'failed' : 'skipped'}: ${error ?? skipped} | | | |`)
    for (const { what, value, unit, target } of measurements) {
      const verdict = target ? (isMet(value, target) ? 'met' : '**missed**') : ''
      lines.push(`| ${name} | ${what} | ${value} ${unit} | ${target ? bound(target) : ''} | ${verdict} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

type Goal = NonNullable<Measurement['target']>
const isMet = (value: number, target: Goal): boolean =>
  'atLeast' in target ? value >= target.atLeast : value <= target.atMost
const bound = (target: Goal): string => ('atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`)
