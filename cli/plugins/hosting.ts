import type { Interfaces } from '@oclif/core'
import type { PluginSource } from './definition.ts'
import { HostedPlugin } from './hosted-plugin.ts'
import type { PluginHost } from './installed.ts'

/** The facts about plugins that oclif's Config has no place for. */
export interface Hosting {
  host: PluginHost
  /** Installed plugins that were skipped: the folder below the home's plugins, and the reason. */
  broken: readonly { folder: string; why: string }[]
}

/** main.ts puts it into the options of Config, because commands get a new Config made with the same options. */
export type HostedOptions = Interfaces.Options & { hosting: Hosting }

export function hostingOf(config: Interfaces.Config): Hosting {
  return (config as unknown as { options: HostedOptions }).options.hosting
}

/** The plugins of this run: Shoal itself, built-in ones, and installed ones. */
export function pluginsOf(config: Interfaces.Config): { source: PluginSource; installed: boolean }[] {
  return [...config.plugins.values()].flatMap((plugin) =>
    plugin instanceof HostedPlugin ? [{ source: plugin.source, installed: plugin.type === 'user' }] : [],
  )
}
