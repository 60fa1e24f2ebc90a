import { KeySet, StatusBody } from '../../tracker-client/api/schemas.ts'
import type { TrackerApp } from '../app.ts'
import type { Services } from '../services.ts'

/**
 * The fleet's public keys and its state: counts and replicas. Open to all, so that a health check or an operator needs
 * no account.
 */
export function statusRoutes(app: TrackerApp, services: Services): void {
  app.get(
    '/keys',
    { config: { access: 'public' }, schema: { tags: ['fleet'], response: { 200: KeySet } } },
    async () => services.grants.keySet(),
  )

  const schema = { tags: ['fleet'], response: { 200: StatusBody } }
  app.get('/status', { config: { access: 'public' }, schema }, () => fleetStatus(services))
}

/** The fleet's counts and replicas. Throws STORE_UNAVAILABLE. */
export async function fleetStatus({ store, presence }: Services): Promise<StatusBody> {
  const [replicas, users, groups, totals, redis] = await Promise.all([
    store.replicas.list(),
    store.users.count(),
    store.groups.count(),
    store.groups.totals(),
    store.status(),
  ])
  const now = Date.now()
  return {
    replicas: replicas.map(({ started, ...replica }) => ({
      ...replica,
      uptime: Math.max(0, (now - Date.parse(started)) / 1000),
    })),
    users,
    groups,
    files: totals.files,
    swarms: presence.table.swarmCount,
    peers: presence.table.peerCount,
    streams: { changes: totals.changes, longest: totals.longestStream },
    redis,
  }
}
