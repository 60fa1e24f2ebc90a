import { parseArgs } from 'node:util'
import { folders } from './folders/folders.ts'
import { hashing } from './hashing.ts'
import type { Bench, Measurement } from './lib/bench.ts'
import { chooseBenches } from './lib/choose.ts'
import { type BenchResult, measuredBefore, tableOf, writeResults } from './lib/results.ts'
import { install, missing } from './lib/tools.ts'
import { memory } from './memory.ts'
import { queueCost } from './queue-cost.ts'
import { runtimes } from './runtimes.ts'
import { simulation } from './simulation.ts'
import { singleLink } from './single-link.ts'
import { smallFile } from './small-file.ts'
import { startup } from './startup.ts'
import { swarms } from './swarm.ts'
import { announces } from './tracker/announces.ts'
import { changes } from './tracker/changes.ts'
import { fileLists } from './tracker/file-lists.ts'
import { heartbeats } from './tracker/heartbeats.ts'
import { largeGroup } from './tracker/large-group.ts'
import { presence } from './tracker/presence.ts'

const BENCHES: readonly Bench[] = [
  startup,
  smallFile,
  singleLink,
  runtimes,
  hashing,
  queueCost,
  memory,
  ...swarms,
  ...folders,
  simulation,
  announces,
  heartbeats,
  fileLists,
  changes,
  presence,
  largeGroup,
]

const USAGE = `npm run bench [-- [NAME…] [--quick] [--install] [--runs N] [--rows ROW,…] [--more]]
  --quick    small sizes and one run each, to check that it works; writes no results
  --runs     runs per median, for the benches of swarms and folders
  --rows     only these rows of a group of benches: folders --rows small,upload is folders/small folders/upload
  --more     add to the earlier swarm runs instead of starting over
  --install  install the Debian and npm packages that a bench needs
${BENCHES.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    install: { type: 'boolean' },
    runs: { type: 'string' },
    rows: { type: 'string' },
    more: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

const runs = values.runs === undefined ? undefined : Number(values.runs)
const { chosen, faults } = chooseBenches(BENCHES, positionals, values.rows)
if (runs !== undefined && !(Number.isInteger(runs) && runs > 0))
  faults.push('--runs must be a whole number, 1 or more')
if (values.help || faults.length > 0) {
  console.error([...faults, ...(faults.length > 0 ? [''] : []), USAGE].join('\n'))
  process.exitCode = faults.length > 0 ? 2 : 0
} else {
  const results: BenchResult[] = []
  for (const bench of chosen) results.push(await measure(bench))
  if (!values.quick) writeResults(results)
  console.error(`\n${tableOf(results)}`)
  if (results.some(({ error }) => error !== undefined)) process.exitCode = 1
}

async function measure(bench: Bench): Promise<BenchResult> {
  const { name, about } = bench
  const result: BenchResult = { name, about, measurements: [] }
  if (values.install) install(missing(bench.needs))
  const lacking = missing(bench.needs)
  if (lacking.length > 0) {
    result.skipped = `needs ${lacking.join(', ')}${lacking.includes('root') ? '' : ' (--install)'}`
    console.log(JSON.stringify({ bench: name, skipped: result.skipped }))
    return result
  }
  try {
    const options = {
      quick: values.quick ?? false,
      runs,
      earlier: values.more ? measuredBefore(name) : [],
    }
    await bench.run(options, (measurement: Measurement) => {
      result.measurements.push(measurement)
      console.log(JSON.stringify({ bench: name, ...measurement }))
    })
  } catch (error) {
    result.error = (error as Error).message
    console.log(JSON.stringify({ bench: name, error: result.error }))
  }
  return result
}
