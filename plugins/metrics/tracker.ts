import type { TrackerSeam } from '@shoal/plugin'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { RequestDurations } from './request-durations.ts'

/** `GET /metrics` on a tracker replica, in Prometheus's text format. */
export default function metrics({ app, figures, ready, onAnswer, onEvent }: TrackerSeam): void {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  collectDefaultMetrics({ register: registry })

  const durations = new RequestDurations()
  onAnswer((method, route, status, ms) => durations.observe(method, route, status, ms))

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
  gauge('peers', 'Peers heard from within the expiry time', () => figures().peers)
  gauge('views', 'Groups held in memory', () => figures().views)
  gauge('revision_lag', 'Total revisions by which views lag behind', () => figures().revisionLag)
  gauge(
    'view_age_seconds',
    'Time since all views were last known to be current',
    () => figures().viewAgeMs / 1000,
  )
  new Counter({
    name: 'shoal_tracker_background_failures_total',
    help: 'Failures of work that no request waits for, by kind',
    labelNames: ['kind'] as const,
    registers,
    collect() {
      this.reset()
      for (const [kind, count] of Object.entries(figures().backgroundFailures)) this.inc({ kind }, count)
    },
  })
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
    help: 'Group changes that this replica received',
    labelNames: ['type'] as const,
    registers,
  })
  onEvent(({ type }) => events.inc({ type }))

  app.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
    reply.type(registry.contentType).serializer((text: unknown) => text as string)
    return `${await registry.metrics()}\n${durations.text()}`
  })
}
