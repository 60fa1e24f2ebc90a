import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Background } from '../packed/background.ts'
import { ShoalError, storageError } from '../protocol/errors.ts'
import { serviceUrl } from '../protocol/listen.ts'
import { acquireRedis } from '../redis/embedded/server.ts'
import { withFileLock } from '../redis/file-lock.ts'
import type { TrackerClient } from '../tracker-client/client.ts'
import { Closers } from './closers.ts'
import { connectPeer, controlSocket } from './control/client.ts'
import { startControlServer } from './control/server.ts'
import type { ChunkSource } from './download/chunk-sources.ts'
import { Downloads } from './download/downloads.ts'
import { QUEUE_FOLDER } from './download/queue/download-queue.ts'
import { JoinRequests } from './download/swarm/join-requests.ts'
import { extend } from './extend.ts'
import { FetchPool } from './fetch/pool.ts'
import { HashPool } from './hash/pool.ts'
import { PeerNode } from './node.ts'
import type { PeerExtension, PeerLog } from './seam.ts'
import { Catalog } from './serve/catalog.ts'
import { startChunkServer } from './serve/chunk-server.ts'
import { GrantVerifier } from './serve/grant-verifier.ts'
import { Library, type SeenPeer } from './serve/library.ts'
import { Memberships } from './serve/memberships.ts'
import { Seeds } from './serve/seeds.ts'
import { Announcer } from './tracker-link/announcer.ts'
import { MembershipWatch } from './tracker-link/membership-watch.ts'
import { ProgressReporter } from './tracker-link/progress-reporter.ts'
import { SigningKeys } from './tracker-link/signing-keys.ts'
import { Transfers } from './tracker-link/transfers.ts'
import { TreePool } from './tree/pool.ts'
import { TreeCopies } from './tree/tree-copy.ts'
import { TreeStore } from './tree/tree-store.ts'
import { ByteLimit } from './wire/byte-limit.ts'
import { loadIdentity } from './wire/identity.ts'
import { followTracker } from './wire/steady-clock.ts'
import { TransferCounters } from './wire/transfer-counters.ts'

export interface PeerOptions {
  home: string
  listen: { host: string; port: number }
  tls: boolean
  client: TrackerClient
  /** Returns the home's current session token, so that a later login takes effect. */
  session(): string | null
  /** URL of the download queue's Redis. Default: the home's embedded Redis. */
  queue?: string | undefined
  extensions?: readonly PeerExtension[]
  log: PeerLog
}

const SEED_CHECK_MS = 5000

/**
 * Starts the peer of a home: the composition root of the data plane. Throws ALREADY_RUNNING if the home has a running
 * peer, PORT_IN_USE, REDIS_NOT_FOUND, or a storage error.
 */
export async function startPeer(options: PeerOptions): Promise<PeerNode> {
  try {
    mkdirSync(options.home, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storageError(error, options.home)
  }
  return withFileLock(join(options.home, 'peer.lock'), async () => {
    if (await connectPeer(options.home))
      throw new ShoalError('ALREADY_RUNNING', `a peer already runs in ${options.home}`, {
        hint: 'stop it first (shoal peer stop), or choose another home with --home',
      })
    const closers = new Closers((message) => options.log.warn(message))
    try {
      return await assemble(options, closers)
    } catch (error) {
      await closers.closeAll()
      throw error
    }
  })
}

async function assemble(options: PeerOptions, closers: Closers): Promise<PeerNode> {
  const { home, client, log } = options
  const opened = <T extends object>(thing: T, close: (thing: T) => unknown): T => {
    closers.push(`its ${thing.constructor.name}`, () => close(thing))
    return thing
  }
  const background = new Background((message) => log.warn(message))
  const refreshSession = (): void => {
    client.token = options.session()
  }
  refreshSession()
  client.onTime = followTracker
  // Awaited only where it is first needed, so that the server starts in parallel with the rest.
  const redis = options.queue ? null : acquireRedis(join(home, QUEUE_FOLDER))
  closers.push('its Redis', () => redis?.then((server) => server.release()).catch(() => {}))
  const identity = await loadIdentity(home)
  const catalog = opened(new Catalog(home), (c) => c.close())
  const library = new Library()
  const trees = new TreeCopies(
    new TreeStore(home),
    opened(new TreePool(), (p) => p.close()),
  )
  const seeds = new Seeds(catalog, library, trees, (message) => log.warn(message))
  const keys = new SigningKeys(client, home)
  const memberships = new Memberships()
  const grants = new GrantVerifier(keys, memberships)
  const limit = new ByteLimit(0)
  const hashPool = opened(new HashPool(), (p) => p.close())

  const figures = new TransferCounters()
  const sources: ChunkSource[] = []
  let downloads: Downloads | null = null
  const server = opened(
    await startChunkServer({
      identity,
      tls: options.tls,
      ...options.listen,
      library,
      trees: trees.store,
      grants,
      limit,
      onSent: (peer, sent) => figures.addSent(peer, sent),
      onSeen: (peer: SeenPeer) => downloads?.seen(peer),
      onError: (error) => log.error(error),
    }),
    (s) => s.close(),
  )
  const { port } = server
  const credentials = { key: identity.key, cert: identity.cert }
  const fetchPool = opened(new FetchPool({ credentials, ownPort: port }), (p) => p.close())
  await seeds.load()
  const announcer = opened(
    // Announces wait for the keys: a fetcher would not wait as long as a tracker may take to send them.
    new Announcer(
      client,
      library,
      { keys: identity, port, tls: options.tls },
      () => keys.ensure(),
      (message) => log.warn(message),
    ),
    (a) => a.stop(),
  )
  const watch = opened(new MembershipWatch(client, library, memberships, seeds, background), (w) => w.stop())
  announcer.start()
  watch.start()
  const context = {
    identity,
    ownPort: port,
    client,
    joinRequests: new JoinRequests(client, identity.peer, !options.tls),
    catalog,
    library,
    seeds,
    trees,
    hashPool,
    fetchPool,
    figures,
    sources,
    warn: (message: string) => log.warn(message),
  }
  const queueUrl = options.queue ?? (await redis!).url
  downloads = opened(await Downloads.open(context, queueUrl, join(home, 'tmp')), (d) => d.close())
  const running = downloads
  const moved = { library, downloads: () => running.fetching(), sent: figures.sentOf }
  const transfers = new Transfers(moved, performance.now())
  const reporter = new ProgressReporter(client, identity.peer, (now) => transfers.now(now), background)
  opened(reporter, (r) => r.stop()).start()
  const parts = { peer: identity.peer, home, log, figures, library, downloads: running, sources, closers }
  await extend(parts, options.extensions ?? [])
  const timer = setInterval(() => {
    refreshSession()
    seeds
      .check()
      .catch(background.owner('the check of shared files', 'a file that changed may still be served'))
  }, SEED_CHECK_MS)
  closers.push('its timer', () => clearInterval(timer))

  const node: PeerNode = new PeerNode({
    peer: identity.peer,
    url: serviceUrl(options.tls ? 'https' : 'http', options.listen.host, port),
    catalog,
    downloads,
    uploads: { client, seeds, catalog, trees, hashPool },
    refreshSession,
    setMaxUp: (rate) => limit.setRate(rate),
    rates: () => figures.rates(),
    warmUp: () => fetchPool.warmUp(),
    stop: () => closers.closeAll(),
    onStopFailed: background.owner('stopping', 'some of its parts are still open'),
  })
  opened(await startControlServer(controlSocket(home), node), (s) => s.close())
  return node
}
