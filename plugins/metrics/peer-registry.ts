import type { PeerSeam } from '@shoal/plugin'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** What a peer's figures are called in Prometheus. */
export function registryOf({ figures, queueDepth }: PeerSeam): Registry {
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
