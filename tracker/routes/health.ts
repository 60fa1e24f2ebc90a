import type { TrackerApp } from '../app.ts'
import type { Services } from '../services.ts'

/** For load balancers: whether the process is alive, and whether it is ready to answer. */
export function healthRoutes(app: TrackerApp, { store, stopping }: Services): void {
  app.get('/healthz', { schema: { hide: true } }, async () => ({ ok: true }))

  app.get('/readyz', { schema: { hide: true } }, async (_, reply) => {
    const ready = !stopping.aborted && (await store.ready())
    return reply.code(ready ? 200 : 503).send({ ready })
  })
}
