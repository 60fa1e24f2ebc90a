import { type Bench, type Measurement, median, rounded } from './lib/bench.ts'
import { MIB } from './lib/files.ts'
import { Network } from './lib/network.ts'
import { runShoal, runTorrent, type SwarmCase, type SwarmResult } from './lib/swarm-runs.ts'

const MBIT = 1e6
const RATE = 100 * MBIT
const LEECHERS = 8

interface Case {
  name: string
  about: string
  originRate: number
  everyMs: number
  last: number
  copies?: number
}

/**
 * Swarms over real links with a rate limit; hosts are network namespaces. Each takes minutes, so each is its
 * own bench.
 */
export const swarms: readonly Bench[] = [
  {
    name: 'swarm',
    about: '128 MiB, 1 seeder and 8 leechers at 100 Mbit/s each way, starting together',
    ...{ originRate: RATE, everyMs: 0, last: 1.12, copies: 1.25 },
  },
  {
    name: 'swarm-arrivals',
    about: 'the same, a leecher every second',
    ...{ originRate: RATE, everyMs: 1000, last: 1.15 },
  },
  {
    name: 'swarm-slow-seeder',
    about: 'the same, starting together, with the seeder at 20 Mbit/s',
    ...{ originRate: 20 * MBIT, everyMs: 0, last: 1.15 },
  },
].map(swarmBench)

function swarmBench({ name, about, originRate, everyMs, last, copies }: Case): Bench {
  return {
    name,
    about,
    needs: ['root', 'ip', 'tc', 'mktorrent', 'libtorrent'],
    async run({ quick, rounds = 5, earlier = [] }, report) {
      const size = (quick ? 16 : 128) * MIB
      const each: SwarmCase = { size, leechers: LEECHERS, everyMs }
      const rates = [
        { up: originRate, down: RATE },
        ...Array.from({ length: LEECHERS }, () => ({ up: RATE, down: RATE })),
      ]
      const results = { shoal: runsOf('shoal', earlier), libtorrent: runsOf('libtorrent', earlier) }
      for (let round = 0; round < (quick ? 1 : rounds); round++) {
        await Network.with(rates, async (net) => void results.shoal.push(await runShoal(net, each)))
        await Network.with(rates, async (net) => void results.libtorrent.push(await runTorrent(net, each)))
      }
      const ideal = idealSeconds(size, originRate, everyMs)
      const tell = (who: keyof typeof results, targets: { last?: number; copies?: number }): void => {
        const target = (atMost?: number): Pick<Measurement, 'target'> =>
          atMost ? { target: { atMost } } : {}
        const value = (of: (result: SwarmResult) => number): number => rounded(median(results[who].map(of)))
        const ratio = value((result) => result.last / ideal)
        const detail = { ideal, runs: results[who] }
        report({
          what: lastLeecher(who),
          value: ratio,
          unit: '× ideal',
          ...target(targets.last),
          detail,
        })
        const sent = value((result) => result.seederSent / size)
        report({ what: `${who}: sent by the seeder`, value: sent, unit: 'copies', ...target(targets.copies) })
      }
      tell('shoal', { last, ...(copies ? { copies } : {}) })
      tell('libtorrent', {})
    },
  }
}

const lastLeecher = (who: string): string => `${who}: last leecher`

function runsOf(who: string, earlier: readonly Measurement[]): SwarmResult[] {
  const before = earlier.find(({ what }) => what === lastLeecher(who))
  return [...((before?.detail?.runs ?? []) as SwarmResult[])]
}

/**
 * Seconds from the first start: the last start plus size/rate, or the seeder's single copy if that takes
 * longer.
 */
function idealSeconds(size: number, originRate: number, everyMs: number): number {
  const bits = size * 8
  return Math.max(bits / originRate, ((LEECHERS - 1) * everyMs) / 1000 + bits / RATE)
}
