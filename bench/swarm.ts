import { type Bench, type Measurement, median, rounded } from './lib/bench.ts'
import { MIB } from './lib/files.ts'
import { Network } from './lib/network.ts'
import {
  filePayload,
  type Payload,
  runShoal,
  runTorrent,
  type SwarmCase,
  type SwarmResult,
} from './lib/swarm-runs.ts'

const MBIT = 1e6
export const RATE = 100 * MBIT
const LEECHERS = 8
const FILE = {
  payload: (quick: boolean) => filePayload((quick ? 16 : 128) * MIB),
  warmUp: filePayload(64 * MIB),
}

interface Case {
  name: string
  about: string
  payload(quick: boolean): Payload
  /** Everybody has fetched it before the clock starts. */
  warmUp: Payload
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
    ...{ ...FILE, originRate: RATE, everyMs: 0, last: 1.12, copies: 1.25 },
  },
  {
    name: 'swarm-arrivals',
    about: 'the same, a leecher every second',
    ...{ ...FILE, originRate: RATE, everyMs: 1000, last: 1.15 },
  },
  {
    name: 'swarm-slow-seeder',
    about: 'the same, starting together, with the seeder at 20 Mbit/s',
    ...{ ...FILE, originRate: 20 * MBIT, everyMs: 0, last: 1.15 },
  },
].map(swarmBench)

export function swarmBench({ name, about, payload: payloadOf, warmUp, ...rest }: Case): Bench {
  const { originRate, everyMs, last, copies } = rest
  return {
    name,
    about,
    needs: ['root', 'ip', 'tc', 'mktorrent', 'libtorrent'],
    async run({ quick, runs = 5, earlier = [] }, report) {
      const payload = payloadOf(quick)
      const each: SwarmCase = { payload, warmUp, leechers: LEECHERS, everyMs }
      const rates = [
        { up: originRate, down: RATE },
        ...Array.from({ length: LEECHERS }, () => ({ up: RATE, down: RATE })),
      ]
      const results = { shoal: runsOf('shoal', earlier), libtorrent: runsOf('libtorrent', earlier) }
      for (let run = 0; run < (quick ? 1 : runs); run++) {
        await Network.with(rates, async (net) => void results.shoal.push(await runShoal(net, each)))
        await Network.with(rates, async (net) => void results.libtorrent.push(await runTorrent(net, each)))
      }
      const ideal = idealSeconds(payload.bytes, originRate, everyMs)
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
        const sent = value((result) => result.seederSent / payload.bytes)
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
