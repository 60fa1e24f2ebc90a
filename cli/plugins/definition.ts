import type { Command } from '@oclif/core'
import type { PeerPlugin } from '../../peer/seam.ts'
import type { TrackerPlugin } from '../../tracker/seam.ts'

/**
 * The default export of a plugin's module. Every part is behind a function, so that an unused plugin costs nothing: a
 * command is loaded when it runs, and a seam when a tracker or peer starts.
 */
export interface ShoalPlugin {
  /** By id: one word, or a topic and a word joined by ":". */
  commands?: Record<string, () => Promise<{ default: Command.Class }>>
  tracker?: () => Promise<{ default: TrackerPlugin }>
  peer?: () => Promise<{ default: PeerPlugin }>
}

/** The fields of a plugin's package.json that Shoal reads. */
export interface PluginPackage {
  name: string
  version: string
  description?: string
  oclif?: { topics?: Record<string, { description?: string }> }
}

/** The commands in oclif's form: an oclif manifest. */
export interface PluginManifest {
  commands: Record<string, object>
  version: string
}

/** A plugin that is not loaded yet: Shoal itself, a built-in plugin, or an installed one. */
export interface PluginSource {
  pjson: PluginPackage
  /** Its commands as oclif describes them. Command lines are parsed with this alone. */
  manifest: PluginManifest
  /** The folder of its package.json. */
  root: string
  load(): Promise<ShoalPlugin>
}

/** "@shoal/plugin-metrics" and "shoal-plugin-metrics" both become "metrics" in settings and messages. */
export function shortName(packageName: string): string {
  return packageName.replace(/^@[^/]+\//, '').replace(/^(shoal-)?plugin-/, '')
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
