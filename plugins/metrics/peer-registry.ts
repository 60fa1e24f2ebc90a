import type { PeerSeam } from '@shoal/plugin'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** A peer's figures as Prometheus metrics. */
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
    'Verified chunk bytes received, by the sending peer',
    () => figures().received,
  )
  byPeer('sent_bytes_total', 'File bytes sent, by the receiving peer', () => figures().sent)
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
  gauge('downloads', 'Running downloads', () => figures().downloads)
  new Gauge({
    name: 'shoal_peer_queue_jobs',
    help: 'Waiting and running jobs, by queue',
    labelNames: ['queue'] as const,
    registers,
    async collect() {
      // Report no value, not zero, for a queue that does not answer.
      const depth = await queueDepth().catch(() => null)
      this.reset()
      for (const [queue, jobs] of Object.entries(depth ?? {})) this.set({ queue }, jobs)
    },
  })
  return registry
}
