import type { ShoalPlugin } from '@shoal/plugin'

/** The trackers' web page at /dashboard/: groups, join requests, files, swarms, replicas. */
export default {
  tracker: () => import('./tracker.ts'),
} satisfies ShoalPlugin
