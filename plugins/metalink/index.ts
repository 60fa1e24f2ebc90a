import type { ShoalPlugin } from '@shoal/plugin'

/** `shoal metalink`: files of a group for aria2 and the like. */
export default {
  commands: { metalink: () => import('./commands/metalink.ts') },
} satisfies ShoalPlugin
