import type { Outcome, Scenario } from './swarm.ts'

export interface Figures {
  /** Seconds from the first start: the lower bound for the last leecher. */
  idealLast: number
  /** Seconds: the lower bound for any leecher. */
  ideal: number
  p50: number
  p99: number
  p999: number
  max: number
  last: number
  /** The figures above divided by the ideal. */
  ratios: { p50: number; p99: number; p999: number; max: number; last: number }
  originCopies: number
  duplicates: number
  complete: number
}

/**
 * The lower bound: every leecher needs size/rate, the origin must send the file once, and all uplinks
 * together must send a copy to every leecher (Kumar & Ross 2006, "Peer-assisted file distribution: the
 * minimum distribution time").
 */
export function idealSeconds({ size, rate, originRate, leechers }: Scenario): number {
  const all = (leechers * size) / (originRate + leechers * rate)
  return Math.max(size / rate, size / originRate, all)
}

export function figures(scenario: Scenario, outcome: Outcome): Figures {
  const ideal = idealSeconds(scenario)
  const idealLast = Math.max(ideal, (scenario.leechers - 1) * scenario.every + scenario.size / scenario.rate)
  const at = (share: number): number => percentile(outcome.times, share)
  const [p50, p99, p999, max] = [at(0.5), at(0.99), at(0.999), at(1)]
  const ratios = {
    p50: p50 / ideal,
    p99: p99 / ideal,
    p999: p999 / ideal,
    max: max / ideal,
    last: outcome.last / idealLast,
  }
  const { last, originCopies, duplicates, complete } = outcome
  return { ideal, idealLast, p50, p99, p999, max, last, ratios, originCopies, duplicates, complete }
}

/** The nearest-rank percentile of values in ascending order. */
export function percentile(values: readonly number[], share: number): number {
  return values[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN
}
