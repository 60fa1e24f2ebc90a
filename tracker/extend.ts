import type { TrackerApp } from './app.ts'
import { Authenticator } from './auth/authenticate.ts'
import { fleetStatus } from './routes/status.ts'
import type { TrackerExtension } from './seam.ts'
import type { Services } from './services.ts'

/** A plugin that had one of these would be in the way of the tracker itself. */
const OWN_ROUTES = /^\/(v1|healthz|readyz)(\/|$)/

/** Lets plugins add their routes and hooks, before the tracker's own are there. One that fails is logged and left out. */
export async function extend(
  app: TrackerApp,
  services: Services,
  replica: string,
  extensions: readonly TrackerExtension[],
): Promise<void> {
  const { store, presence, stopping } = services
  const authenticator = new Authenticator(store.sessions)
  let settingUp = true
  app.addHook('onRoute', ({ url }) => {
    if (settingUp && OWN_ROUTES.test(url)) throw new Error(`the path ${url} is the tracker's own`)
  })
  for (const { name, setup, setting } of extensions) {
    try {
      await setup({
        app,
        replica,
        log: app.log,
        setting,
        requireSession: async (request, reply) => authenticator.authenticate(request, reply),
        figures: () => ({
          swarms: presence.table.swarmCount,
          peers: presence.table.peerCount,
          views: store.groups.views.count,
          revisionLag: store.groups.views.lag,
          viewAgeMs: store.groups.viewAge,
        }),
        ready: () => store.ready(),
        status: () => fleetStatus(services),
        onEvent: (listener) =>
          store.groups.onEvent((event) => {
            const heard = async (): Promise<void> => listener(event)
            heard().catch((error: unknown) => app.log.error(error, `the plugin ${name} failed at an event`))
          }),
        stopping,
      })
    } catch (error) {
      app.log.error(error, `the plugin ${name} is left out: it failed to start`)
    }
  }
  settingUp = false
}
