import type { Tool } from './tools.ts'

export interface BenchOptions {
  /** Small sizes and one run each: shows whether everything works, not how fast it is. */
  quick: boolean
  /** Runs per median, for benches that take minutes. */
  runs?: number | undefined
  /**
   * Earlier results of the same bench, which it adds to, so that its rounds need not fit into one sitting.
   */
  earlier?: readonly Measurement[]
}

/** One figure. `target` is the project's promise (docs/performance/figures.md). */
export interface Measurement {
  what: string
  value: number
  unit: string
  target?: { atLeast: number } | { atMost: number }
  /** The runs behind a median, and anything else that explains the value. */
  detail?: Record<string, unknown>
}

export interface Bench {
  /** NAME, or GROUP/ROW: the name of the group stands for all its rows. */
  name: string
  about: string
  /** The bench is skipped if one of these is missing. */
  needs: readonly Tool[]
  run(options: BenchOptions, report: (measurement: Measurement) => void): Promise<void>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The nearest-rank percentile; `share` is 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

/**
 * Runs the contenders in turns, so that a slow minute of the machine hits all alike. Returns seconds by
 * contender.
 */
export async function interleaved<K extends string>(
  runs: number,
  contenders: Record<K, () => Promise<number>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(contenders) as K[]
  const seconds = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>
  for (let run = 0; run < runs; run++) for (const name of names) seconds[name].push(await contenders[name]())
  return seconds
}

export const rounded = (value: number): number => Number(value.toPrecision(4))
