import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { Background } from '../packed/background.ts'
import { announcedUrl, listenError, serviceUrl } from '../protocol/listen.ts'
import { acquireRedis } from '../redis/embedded/server.ts'
import { redactedUrl } from '../redis/url.ts'
import { openStore } from '../tracker-store/open.ts'
import { createApp, LOGS_REQUESTS, type LogLevel, type TlsFiles, type TrackerApp } from './app.ts'
import { Authenticator } from './auth/authenticate.ts'
import { type GrantOptions, Grants } from './auth/grants.ts'
import { LoginLimit } from './auth/login-limit.ts'
import { Passwords } from './auth/passwords.ts'
import { extend } from './extend.ts'
import { FastPath } from './front/fast-path.ts'
import { ResponseObservers } from './http/response-observer.ts'
import { isLoopback } from './presence/addresses.ts'
import { AnnounceHandler } from './presence/announce-handler.ts'
import { Presence } from './presence/presence.ts'
import { ProgressReports } from './presence/progress-reports.ts'
import { addRoutes } from './routes/register.ts'
import type { TrackerExtension } from './seam.ts'
import type { Services } from './services.ts'
import { embeddedFolder, type StorePlace } from './store-location.ts'

/** Without a Redis URL, the tracker starts or joins the embedded Redis in the data folder. */
export interface TrackerOptions extends StorePlace {
  /** Port 0 means any free port. */
  listen: { host: string; port: number }
  tls?: TlsFiles
  /** The URL at which others reach this replica. Default: a guess from the machine's addresses. */
  url?: string
  log: LogLevel
  /** For tests: shorter-lived grants, or another clock. */
  grants?: GrantOptions
  /** Plugins' parts of the tracker. */
  extensions?: readonly TrackerExtension[]
}

export interface RunningTracker {
  /** The URL of this replica on its own machine. */
  url: string
  replica: string
  /** The URL of the Redis in use, without its password. */
  redis: string
  /** Stops the replica: finishes running requests, leaves the fleet, and releases its embedded Redis. */
  stop(): Promise<void>
}

/** The longest wait for running requests when the tracker stops. */
const DRAIN_MS = 5000

type Cleanup = () => void | Promise<void>

/** Creates and starts a tracker replica. Resolves once it is ready. Throws PORT_IN_USE and the errors of Redis. */
export async function startTracker(options: TrackerOptions): Promise<RunningTracker> {
  const cleanups: Cleanup[] = []
  const stop = async (): Promise<void> => {
    for (let step = cleanups.pop(); step; step = cleanups.pop()) await step()
  }
  try {
    return { ...(await start(options, cleanups)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Starts the parts in order. Each pushes its end onto `cleanups`, which run in reverse order. */
async function start(options: TrackerOptions, cleanups: Cleanup[]): Promise<Omit<RunningTracker, 'stop'>> {
  const replica = randomBytes(6).toString('hex')
  const redis = options.redis ?? (await embedded(options.dataFolder, cleanups))
  const fastPath = new FastPath()
  const app = createApp({ log: options.log, fastPath, ...(options.tls ? { tls: options.tls } : {}) })
  const background = new Background((message, err) => app.log.error({ err }, message))
  const store = await openStore({ redis, replicaId: replica, log: app.log, background })
  cleanups.push(() => store.close())

  const presence = new Presence(store.presence, background, ownAddress(app))
  cleanups.push(() => presence.stop())
  store.groups.onEvent((event) => presence.changed(event))
  await presence.start()
  const progress = new ProgressReports(store.progress)
  const grants = new Grants(store.keys, background, options.grants)
  cleanups.push(() => grants.stop())
  await grants.start()

  const stopping = new AbortController()
  const services: Services = {
    store,
    background,
    authenticator: new Authenticator(store.sessions),
    presence,
    progress,
    announcing: new AnnounceHandler(store, presence),
    responses: new ResponseObservers(),
    grants,
    passwords: new Passwords(),
    loginLimit: new LoginLimit(),
    stopping: stopping.signal,
  }
  const { hooks } = await extend(app, services, replica, options.extensions ?? [])
  await addRoutes(app, services)
  if (!hooks && !LOGS_REQUESTS.has(options.log)) fastPath.open(services)
  cleanups.push(() => drain(app))
  // Before the listener closes: open event streams would keep it from closing.
  cleanups.push(() => stopping.abort())
  const { url, announced } = await listen(app, options)
  const started = new Date().toISOString()
  await store.replicas.join(() => ({
    id: replica,
    url: announced,
    started,
    memory: process.memoryUsage.rss(),
    swarms: presence.table.swarmCount,
    peers: presence.table.peerCount,
  }))
  return { url, replica, redis: redactedUrl(redis) }
}

/** Whether the app itself listens at a host and port. */
function ownAddress(app: TrackerApp): (host: string, port: number) => boolean {
  return (host, port) => {
    const address = app.server.address()
    if (typeof address !== 'object' || address?.port !== port) return false
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    return isLoopback(host) || own.some(({ address }) => address === host)
  }
}

/** Closes the app once running requests have been answered, or at the time limit. */
async function drain(app: TrackerApp): Promise<void> {
  // Connections that become idle only now would stay open for their keep-alive time.
  const idle = setInterval(() => app.server.closeIdleConnections(), 50)
  const limit = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS)
  await app.close().finally(() => {
    clearInterval(idle)
    clearTimeout(limit)
  })
}

async function embedded(dataFolder: string, cleanups: Cleanup[]): Promise<string> {
  const server = await acquireRedis(embeddedFolder(dataFolder))
  cleanups.push(() => server.release())
  return server.url
}

/** Listens, and returns the URL for this machine and the URL for others. */
async function listen(
  app: TrackerApp,
  { listen: { host, port }, tls, url }: TrackerOptions,
): Promise<{ url: string; announced: string }> {
  await app.listen({ host, port }).catch((error: unknown) => {
    throw listenError(error, host, port)
  })
  const address = app.server.address()
  const actual = typeof address === 'object' && address ? address.port : port
  const scheme = tls ? 'https' : 'http'
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return {
    url: serviceUrl(scheme, host, actual),
    announced: url ?? announcedUrl(scheme, host, actual, addresses),
  }
}
