import { type Bench, rounded } from './lib/bench.ts'
import { MIB } from './lib/files.ts'
import { figures } from './simulate/report.ts'
import { type Scenario, simulate } from './simulate/swarm.ts'

const MBIT = 1e6 / 8

const EIGHT: Scenario = {
  leechers: 8,
  size: 128 * MIB,
  rate: 100 * MBIT,
  originRate: 100 * MBIT,
  latency: 0.0005,
  every: 0,
  seed: 1,
}
/** Kraken's published figure: 3 GB to 2,600 hosts at 300 MB/s. */
const KRAKEN: Scenario = {
  leechers: 2600,
  size: 3e9,
  rate: 300e6,
  originRate: 300e6,
  latency: 0.0005,
  every: 0.0001,
  seed: 1,
}

/** Swarms in virtual time, at sizes that no bench machine has. */
export const simulation: Bench = {
  name: 'simulation',
  about: 'swarms in virtual time: the real picker, scheduler and handout policy',
  needs: [],
  async run({ quick }, report) {
    const large = quick ? { ...KRAKEN, leechers: 100, size: 3e8 } : KRAKEN
    const { ratios, ...rest } = figures(large, simulate(large))
    const unit = '× ideal'
    const name = `${large.leechers} leechers, ${large.size / 1e9} GB`
    report({ what: `${name}: p50`, value: rounded(ratios.p50), unit, target: { atMost: 1.05 }, detail: rest })
    report({ what: `${name}: p99`, value: rounded(ratios.p99), unit, target: { atMost: 1.2 } })
    report({ what: `${name}: p99.9`, value: rounded(ratios.p999), unit, target: { atMost: 1.3 } })
    report({ what: `${name}: sent by the origin`, value: rounded(rest.originCopies), unit: 'copies' })
    for (const [what, scenario, atMost] of [
      ['8 leechers together', EIGHT, 1.12],
      ['8 leechers, one a second', { ...EIGHT, every: 1 }, 1.15],
      ['8 leechers, origin at 20 Mbit/s', { ...EIGHT, originRate: 20 * MBIT }, 1.15],
    ] as const) {
      const result = figures(scenario, simulate(scenario))
      report({ what: `${what}: last`, value: rounded(result.ratios.last), unit, target: { atMost } })
      report({ what: `${what}: sent by the origin`, value: rounded(result.originCopies), unit: 'copies' })
    }
  },
}
