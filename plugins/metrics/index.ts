import type { ShoalPlugin } from '@shoal/plugin'

/** Prometheus metrics: `/metrics` of trackers, and of peers on an address of their own. */
export default {
  tracker: () => import('./tracker.ts'),
  peer: () => import('./peer.ts'),
} satisfies ShoalPlugin
