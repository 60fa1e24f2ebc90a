import type { Tool } from './tools.ts'

export interface BenchOptions {
  /** Small sizes and one run each: whether everything works, not how fast it is. */
  quick: boolean
  /** Runs behind a median, where a bench takes minutes. */
  rounds?: number | undefined
  /** What the same bench measured before, for it to add to: its rounds need not fit into one sitting. */
  earlier?: readonly Measurement[]
}

/** One figure. `target` is what the project promises of it (docs/performance.md). */
export interface Measurement {
  what: string
  value: number
  unit: string
  target?: { atLeast: number } | { atMost: number }
  /** The single runs behind a median, and whatever else explains the value. */
  detail?: Record<string, unknown>
}

export interface Bench {
  name: string
  about: string
  /** Without these it is skipped. */
  needs: readonly Tool[]
  run(options: BenchOptions, report: (measurement: Measurement) => void): Promise<void>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The value that `share` (0 to 1) of them do not exceed: the nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

/** Runs each contender in turns, so that a slow minute of the machine hits all alike; seconds by contender. */
export async function interleaved<K extends string>(
  rounds: number,
  contenders: Record<K, () => Promise<number>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(contenders) as K[]
  const seconds = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>
  for (let round = 0; round < rounds; round++)
    for (const name of names) seconds[name].push(await contenders[name]())
  return seconds
}

export const rounded = (value: number): number => Number(value.toPrecision(4))
