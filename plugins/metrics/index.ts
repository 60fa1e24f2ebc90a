import type { ShoalPlugin } from '@shoal/plugin'

/** Prometheus metrics: `/metrics` on trackers, and on peers at an address of their own. */
export default {
  tracker: () => import('./tracker.ts'),
  peer: () => import('./peer.ts'),
} satisfies ShoalPlugin
