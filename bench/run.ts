import { parseArgs } from 'node:util'
import { hashing } from './hashing.ts'
import type { Bench, Measurement } from './lib/bench.ts'
import { type BenchResult, measuredBefore, writeResults } from './lib/results.ts'
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
  simulation,
  announces,
  heartbeats,
  fileLists,
  changes,
  presence,
  largeGroup,
]

const USAGE = `npm run bench [-- [NAME…] [--quick] [--install] [--rounds N] [--more]]
  --quick    small sizes and one run each, to check that it works; writes no results
  --rounds   runs per median, for the swarm benches
  --more     add to the earlier swarm runs instead of starting over
  --install  install the Debian and npm packages that a bench needs
${BENCHES.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    install: { type: 'boolean' },
    rounds: { type: 'string' },
    more: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

const strangers = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name))
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
const faults = [
  ...strangers.map((name) => `there is no bench ${name}`),
  ...(rounds === undefined || (Number.isInteger(rounds) && rounds > 0)
    ? []
    : ['--rounds must be a whole number, 1 or more']),
]
if (values.help || faults.length > 0) {
  console.error([...faults, ...(faults.length > 0 ? [''] : []), USAGE].join('\n'))
  process.exitCode = faults.length > 0 ? 2 : 0
} else {
  const chosen = BENCHES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const results: BenchResult[] = []
  for (const bench of chosen) results.push(await measure(bench))
  if (!values.quick) writeResults(results)
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
      rounds,
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
