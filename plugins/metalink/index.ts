import type { ShoalPlugin } from '@shoal/plugin'

/** `shoal metalink`: lets aria2 and similar programs fetch a group's files. */
export default {
  commands: { metalink: () => import('./commands/metalink.ts') },
} satisfies ShoalPlugin
