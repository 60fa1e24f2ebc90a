import type { ShoalPlugin } from '@shoal/plugin'

/** A web page of trackers, at /dashboard/: groups, join requests, files, swarms, replicas. */
export default {
  tracker: () => import('./tracker.ts'),
} satisfies ShoalPlugin
