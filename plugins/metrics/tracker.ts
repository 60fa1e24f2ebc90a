import type { TrackerSeam } from '@shoal/plugin'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** From a heartbeat answered out of memory to a login that waits for scrypt. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** `GET /metrics` of a tracker replica, in Prometheus's text format. */
export default function metrics({ app, figures, ready, onEvent }: TrackerSeam): void {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  collectDefaultMetrics({ register: registry })

  const duration = new Histogram({
    name: 'shoal_tracker_request_duration_seconds',
    help: 'Time from a request to its answer, by route',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: SECONDS,
    registers,
  })
  const bound = new Map<string, ReturnType<typeof duration.labels>>()
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request
    const route = routeOptions.url ?? 'none'
    const key = `${method} ${reply.statusCode} ${route}`
    let child = bound.get(key)
    if (!child) {
      child = duration.labels(method, route, String(reply.statusCode))
      bound.set(key, child)
    }
    child.observe(reply.elapsedTime / 1000)
    done()
  })

  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name: `shoal_tracker_${name}`,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  gauge('swarms', 'Swarms with at least one peer', () => figures().swarms)
  gauge('peers', 'Peers heard within the expiry', () => figures().peers)
  gauge('views', 'Groups held in memory', () => figures().views)
  gauge('revision_lag', 'Revisions by which views are behind, summed', () => figures().revisionLag)
  gauge('view_age_seconds', 'Time since views were known to be current', () => figures().viewAgeMs / 1000)
  new Gauge({
    name: 'shoal_tracker_ready',
    help: 'Whether Redis is reachable and all views are current',
    registers,
    async collect() {
      this.set((await ready()) ? 1 : 0)
    },
  })

  const events = new Counter({
    name: 'shoal_tracker_events_total',
    help: 'Changes of groups that this replica heard of',
    labelNames: ['type'] as const,
    registers,
  })
  onEvent(({ type }) => events.inc({ type }))

  app.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
    reply.type(registry.contentType).serializer((text: unknown) => text as string)
    return registry.metrics()
  })
}
