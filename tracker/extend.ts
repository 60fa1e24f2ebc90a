import type { TrackerApp } from './app.ts'
import { fleetStatus } from './routes/status.ts'
import type { TrackerExtension } from './seam.ts'
import type { Services } from './services.ts'

/** Plugins may not add these routes: they are the tracker's own. */
const OWN_ROUTES = /^\/(v1|healthz|readyz)(\/|$)/

/** Hooks that do not run per request. */
const OF_THE_APP = /^(onReady|onListen|onRegister|onClose|preClose)$/

/**
 * Lets plugins add routes and hooks, before the tracker adds its own. A plugin that fails is logged and left out. Returns
 * whether any plugin has a hook that sees every request.
 */
export async function extend(
  app: TrackerApp,
  services: Services,
  replica: string,
  extensions: readonly TrackerExtension[],
): Promise<{ hooks: boolean }> {
  const { store, background, presence, authenticator, responses, stopping } = services
  let settingUp = true
  let hooks = false
  app.addHook('onRoute', ({ url }) => {
    if (settingUp && OWN_ROUTES.test(url)) throw new Error(`the path ${url} is reserved for the tracker`)
  })
  const addHook = app.addHook as (this: unknown, name: string, hook: unknown) => TrackerApp
  // Hooks of a nested context see only that context's requests.
  app.addHook = function (this: unknown, name: string, hook: unknown) {
    if (this === app && !OF_THE_APP.test(name)) hooks = true
    return addHook.call(this, name, hook)
  } as TrackerApp['addHook']
  for (const { name, setup, setting } of extensions) {
    const failed = (error: unknown, what: string) => app.log.error(error, `the plugin ${name} ${what}`)
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
          backgroundFailures: background.failures,
        }),
        ready: () => store.ready(),
        status: () => fleetStatus(services),
        onAnswer: (listener) =>
          responses.observe((...answer) => {
            try {
              listener(...answer)
            } catch (error) {
              failed(error, 'failed while handling an answer')
            }
          }),
        onEvent: (listener) =>
          store.groups.onEvent((event) => {
            const heard = async (): Promise<void> => listener(event)
            heard().catch((error: unknown) => failed(error, 'failed while handling an event'))
          }),
        stopping,
      })
      // Wait for everything that it registered.
      await app.after()
    } catch (error) {
      failed(error, 'is left out: it failed to start')
    }
  }
  settingUp = false
  app.addHook = addHook as TrackerApp['addHook']
  if (responses.areObserved)
    app.addHook('onResponse', (request, reply, done) => {
      const { method, routeOptions } = request
      responses.notify(method, routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime)
      done()
    })
  return { hooks }
}
