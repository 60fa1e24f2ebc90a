import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Measurement, median, rounded } from './bench.ts'

/** A placeholder in a request for a number that grows by one each round (wrk.lua). */
export const GROWING = '\u0001'
/** The length of GROWING's replacement: milliseconds since the epoch have this many digits. */
export const GROWING_DIGITS = 13

/** A closed loop: each connection waits for an answer before it sends its next request. */
const CONNECTIONS = 32

/** One run: answers a second, and milliseconds from a request to the end of its answer. */
export interface LoadRun {
  rate: number
  p50: number
  p99: number
}

/** Requests that wrk sends in turns over keep-alive connections. */
export class Load {
  readonly #file: string
  readonly #url: string

  /** Writes the requests to `file`; each is a complete HTTP/1.1 request. */
  constructor(file: string, url: string, requests: readonly string[]) {
    this.#file = file
    this.#url = url
    writeFileSync(file, requests.join('\0'), 'latin1')
  }

  /** Loads the server for `seconds`. Throws if a request fails or is refused. */
  async run(seconds: number): Promise<LoadRun> {
    const script = join(import.meta.dirname, 'wrk.lua')
    const shape = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '-s', script]
    const { stdout } = await promisify(execFile)('wrk', [
      ...shape,
      this.#url,
      '--',
      this.#file,
      String(Date.now()),
    ])
    const line = stdout.trim().split('\n').at(-1) ?? ''
    const answer = JSON.parse(line) as Record<
      'requests' | 'seconds' | 'p50' | 'p99' | 'refused' | 'broken',
      number
    >
    const { requests, refused, broken } = answer
    if (refused + broken > 0)
      throw new Error(
        `${this.#url}: ${refused} of ${requests} requests were refused, ${broken} got no answer`,
      )
    return { rate: answer.requests / answer.seconds, p50: answer.p50, p99: answer.p99 }
  }
}

/** Warms each load up once, then runs them in turns, so that a slow minute of the machine hits all alike. */
export async function loadsInTurns<K extends string>(
  loads: Record<K, Load>,
  quick: boolean,
): Promise<Record<K, LoadRun[]>> {
  const { runs, seconds } = quick ? { runs: 1, seconds: 1 } : { runs: 5, seconds: 5 }
  const names = Object.keys(loads) as K[]
  for (const name of names) await loads[name].run(seconds)
  const results = Object.fromEntries(names.map((name) => [name, [] as LoadRun[]])) as Record<K, LoadRun[]>
  for (let run = 0; run < runs; run++)
    for (const name of names) results[name].push(await loads[name].run(seconds))
  return results
}

/** Medians over the runs: the rate with its target, and the latency's median and 99th percentile. */
export function measurementsOf(
  what: string,
  runs: readonly LoadRun[],
  target: { rate?: number; p99?: number } = {},
): Measurement[] {
  const [rates, p50s, p99s] = (['rate', 'p50', 'p99'] as const).map((key) => runs.map((run) => run[key]))
  const detail = (values: number[]) => ({ runs: values.map(rounded) })
  return [
    {
      what,
      value: rounded(median(rates!)),
      unit: 'a second',
      detail: detail(rates!),
      ...(target.rate ? { target: { atLeast: target.rate } } : {}),
    },
    { what: `${what}: p50`, value: rounded(median(p50s!)), unit: 'ms', detail: detail(p50s!) },
    {
      what: `${what}: p99`,
      value: rounded(median(p99s!)),
      unit: 'ms',
      detail: detail(p99s!),
      ...(target.p99 ? { target: { atMost: target.p99 } } : {}),
    },
  ]
}
