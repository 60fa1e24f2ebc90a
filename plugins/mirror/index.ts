import type { ShoalPlugin } from '@shoal/plugin'

/** `shoal mirror`: a folder that follows a group. `shoal watch`: a group that follows a folder. */
export default {
  commands: {
    mirror: () => import('./commands/mirror.ts'),
    watch: () => import('./commands/watch.ts'),
  },
} satisfies ShoalPlugin
