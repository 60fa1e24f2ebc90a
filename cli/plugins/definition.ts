import type { Command } from '@oclif/core'
import type { PeerPlugin } from '../../peer/seam.ts'
import type { TrackerPlugin } from '../../tracker/seam.ts'

/**
 * What a plugin's module exports as its default. Everything is behind a function, so that a plugin costs
 * nothing where it is not used: a command is loaded when it runs, a seam when a tracker or a peer starts.
 */
export interface ShoalPlugin {
  /** By id: one word, or a topic and a word joined by ":". */
  commands?: Record<string, () => Promise<{ default: Command.Class }>>
  tracker?: () => Promise<{ default: TrackerPlugin }>
  peer?: () => Promise<{ default: PeerPlugin }>
}

/** The parts of a plugin's package.json that are read. */
export interface PluginPackage {
  name: string
  version: string
  description?: string
  oclif?: { topics?: Record<string, { description?: string }> }
}

/** Commands as oclif describes them: an oclif manifest. */
export interface PluginManifest {
  commands: Record<string, object>
  version: string
}

/** A plugin before it is loaded: the program itself, one of those that come with it, or an installed one. */
export interface PluginSource {
  pjson: PluginPackage
  /** Its commands as oclif describes them; a command line is understood by these alone. */
  manifest: PluginManifest
  /** Folder of its package.json. */
  root: string
  load(): Promise<ShoalPlugin>
}

/** "@shoal/plugin-metrics" and "shoal-plugin-metrics" are called "metrics": in settings and messages. */
export function shortName(packageName: string): string {
  return packageName.replace(/^@[^/]+\//, '').replace(/^(shoal-)?plugin-/, '')
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
