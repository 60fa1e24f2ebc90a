import { parseArgs } from 'node:util'
import { parseQuantity } from '../quantity.ts'
import { figures } from './report.ts'
import { simulate } from './swarm.ts'

const USAGE = `simulate a swarm in virtual time, with the real picker, scheduler and handout policy
  --peers 2600        leechers
  --size 3GB          the file
  --rate 300MB        each host's rate limit per second, up and down
  --origin-rate RATE  the origin's limit; default: --rate
  --latency 0.5ms     one-way latency between hosts and to the tracker
  --every 0.1ms       delay between leecher starts
  --seed N            seed for all randomness; default: a new one`

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '2600' },
    size: { type: 'string', default: '3GB' },
    rate: { type: 'string', default: '300MB' },
    'origin-rate': { type: 'string' },
    latency: { type: 'string', default: '0.5ms' },
    every: { type: 'string', default: '0.1ms' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean' },
  },
})

if (values.help) console.log(USAGE)
else {
  const rate = parseQuantity(values.rate)
  const scenario = {
    leechers: Number(values.peers),
    size: parseQuantity(values.size),
    rate,
    originRate: values['origin-rate'] === undefined ? rate : parseQuantity(values['origin-rate']),
    latency: parseQuantity(values.latency),
    every: parseQuantity(values.every),
    seed: Number(values.seed),
  }
  const begun = performance.now()
  const result = figures(scenario, simulate(scenario))
  const wallSeconds = (performance.now() - begun) / 1000
  console.log(JSON.stringify({ bench: 'simulate', scenario, ...result, wallSeconds }))
}
