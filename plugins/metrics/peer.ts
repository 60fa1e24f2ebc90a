import { createServer } from 'node:http'
import type { PeerSeam } from '@shoal/plugin'
import { ShoalError } from '@shoal/plugin'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** `GET /metrics` of a peer, where its setting "listen" (SHOAL_METRICS_LISTEN) says: HOST:PORT. */
export default async function metrics(seam: PeerSeam): Promise<void> {
  const listen = seam.setting('listen')
  if (!listen) return
  const registry = registryOf(seam)
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end()
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: Error) => {
        seam.log.error(error)
        response.writeHead(500).end()
      },
    )
  })
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(listen) ?? []
  if (host === undefined || Number(port) > 65535)
    throw new ShoalError('BAD_CONFIG', `the address ${listen} for metrics is not HOST:PORT`)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(Number(port), host.replace(/^\[(.*)\]$/, '$1'), resolve)
  })
  seam.onStop(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  })
}

function registryOf({ figures, queueDepth }: PeerSeam): Registry {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  collectDefaultMetrics({ register: registry })
  const byPeer = (name: string, help: string, values: () => ReadonlyMap<string, number>): void => {
    new Counter({
      name: `shoal_peer_${name}`,
      help,
      labelNames: ['peer'] as const,
      registers,
      collect() {
        this.reset()
        for (const [peer, bytes] of values()) this.inc({ peer }, bytes)
      },
    })
  }
  byPeer(
    'received_bytes_total',
    'Verified bytes of chunks, by the peer that sent them',
    () => figures().received,
  )
  byPeer('sent_bytes_total', 'Bytes of files, by the peer that they went to', () => figures().sent)
  new Counter({
    name: 'shoal_peer_verification_failures_total',
    help: 'Chunks that did not match their hash',
    registers,
    collect() {
      this.reset()
      this.inc(figures().verificationFailures)
    },
  })
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name: `shoal_peer_${name}`,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  gauge('serving_files', 'Files served, whole or in part', () => figures().serving)
  gauge('downloads', 'Downloads under way', () => figures().downloads)
  new Gauge({
    name: 'shoal_peer_queue_jobs',
    help: 'Jobs that wait or run, by queue',
    labelNames: ['queue'] as const,
    registers,
    async collect() {
      // A queue that is away is told of as no value, not as an empty one.
      const depth = await queueDepth().catch(() => null)
      this.reset()
      for (const [queue, jobs] of Object.entries(depth ?? {})) this.set({ queue }, jobs)
    },
  })
  return registry
}
