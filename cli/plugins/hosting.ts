import type { Interfaces } from '@oclif/core'
import type { PluginSource } from './definition.ts'
import { HostedPlugin } from './hosted-plugin.ts'
import type { PluginHost } from './installed.ts'

/** What this run knows of plugins beside what oclif's Config holds. */
export interface Hosting {
  host: PluginHost
  /** Installed plugins that were left out: the folder below the home's plugins, and why. */
  broken: readonly { folder: string; why: string }[]
}

/** Put into the options of Config by main.ts: commands are handed a new Config, made with the same options. */
export type HostedOptions = Interfaces.Options & { hosting: Hosting }

export function hostingOf(config: Interfaces.Config): Hosting {
  return (config as unknown as { options: HostedOptions }).options.hosting
}

/** The plugins of this run: Shoal itself, those that come with it, and installed ones. */
export function pluginsOf(config: Interfaces.Config): { source: PluginSource; installed: boolean }[] {
  return [...config.plugins.values()].flatMap((plugin) =>
    plugin instanceof HostedPlugin ? [{ source: plugin.source, installed: plugin.type === 'user' }] : [],
  )
}
