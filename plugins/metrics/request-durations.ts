/** Bounds from a heartbeat answered from memory up to a login that waits for scrypt. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const NAME = 'shoal_tracker_request_duration_seconds'

interface Series {
  method: string
  status: number
  /** Requests per bucket, not cumulative; the last bucket has no bound. */
  counts: number[]
  seconds: number
}

/** The histogram of request durations. prom-client's own costs 1.5 µs of CPU a heartbeat, which takes 20. */
export class RequestDurations {
  readonly #byRoute = new Map<string, Series[]>()

  observe(method: string, route: string, status: number, ms: number): void {
    const series = this.#series(method, route, status)
    const seconds = ms / 1000
    let at = 0
    while (at < SECONDS.length && seconds > (SECONDS[at] as number)) at++
    series.counts[at]!++
    series.seconds += seconds
  }

  /** Prometheus's text format 0.0.4. */
  text(): string {
    const lines = [`# HELP ${NAME} Time from a request to its answer, by route`, `# TYPE ${NAME} histogram`]
    for (const [route, all] of this.#byRoute)
      for (const { method, status, counts, seconds } of all) {
        const labels = `method="${escaped(method)}",route="${escaped(route)}",status="${status}"`
        let sum = 0
        for (const [i, count] of counts.entries()) {
          sum += count
          lines.push(`${NAME}_bucket{${labels},le="${SECONDS[i] ?? '+Inf'}"} ${sum}`)
        }
        lines.push(`${NAME}_sum{${labels}} ${seconds}`, `${NAME}_count{${labels}} ${sum}`)
      }
    return `${lines.join('\n')}\n`
  }

  #series(method: string, route: string, status: number): Series {
    const all = this.#byRoute.get(route) ?? []
    if (all.length === 0) this.#byRoute.set(route, all)
    for (const series of all) if (series.status === status && series.method === method) return series
    const series: Series = { method, status, counts: new Array(SECONDS.length + 1).fill(0), seconds: 0 }
    all.push(series)
    return series
  }
}

const escaped = (label: string): string => label.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))
