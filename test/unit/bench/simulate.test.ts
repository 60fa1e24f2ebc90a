import { figures } from '../../../bench/simulate/report.ts'
import { type Scenario, simulate } from '../../../bench/simulate/swarm.ts'

/** 200 MiB to 30 hosts at 100 MB/s and a millisecond. */
const swarm: Scenario = {
  leechers: 30,
  size: 200 * 2 ** 20,
  rate: 100e6,
  originRate: 100e6,
  latency: 0.001,
  every: 0,
  seed: 7,
}
/** 128 MiB to eight hosts at 100 Mbit/s. */
const eight: Scenario = { ...swarm, leechers: 8, size: 128 * 2 ** 20, rate: 12.5e6, originRate: 12.5e6 }

const run = (scenario: Scenario) => figures(scenario, simulate(scenario))

test('thirty leechers of a simulated swarm all finish, the last within 1.3 times the ideal', () => {
  for (const seed of [7, 8, 9]) {
    const { complete, ratios } = run({ ...swarm, seed })
    expect(complete).toBe(30)
    expect(ratios.max).toBeLessThanOrEqual(1.3)
  }
})

test('an origin that reports requests sends a hundred leechers almost nothing twice', () => {
  for (const seed of [7, 8]) {
    const { complete, originCopies } = run({ ...swarm, leechers: 100, latency: 0.0005, seed })
    expect(complete).toBe(100)
    expect(originCopies).toBeLessThanOrEqual(1.04)
  }
})

test('the same seed gives the same figures, another seed gives others', () => {
  expect(run(swarm)).toEqual(run(swarm))
  expect(run(swarm)).not.toEqual(run({ ...swarm, seed: 8 }))
})

test('eight leechers that start together finish within 1.1 times the ideal, and the origin sends at most 1.1 copies', () => {
  const { ratios, originCopies, duplicates } = run(eight)
  expect(ratios.max).toBeLessThanOrEqual(1.1)
  expect(originCopies).toBeLessThanOrEqual(1.1)
  expect(duplicates).toBe(0)
})

test('leechers arriving one a second, or from an origin at a fifth of the rate, finish within 1.1 times the ideal', () => {
  expect(run({ ...eight, every: 1 }).ratios.last).toBeLessThanOrEqual(1.1)
  expect(run({ ...eight, originRate: 2.5e6 }).ratios.last).toBeLessThanOrEqual(1.1)
})
