import type { Interfaces } from '@oclif/core'
import type { PeerExtension } from '../../peer/seam.ts'
import type { TrackerExtension } from '../../tracker/seam.ts'
import { readConfig } from '../home/config.ts'
import { broken } from './check.ts'
import { messageOf, shortName } from './definition.ts'
import { HostedPlugin } from './hosted-plugin.ts'

interface Extensions {
  tracker: TrackerExtension
  peer: PeerExtension
}

/**
 * The plugins' parts of a tracker or a peer in this run. A plugin that cannot be loaded is named on stderr and skipped, and
 * one with the setting "enabled" set to false is left out.
 */
export async function loadExtensions<Kind extends keyof Extensions>(
  config: Interfaces.Config,
  home: string,
  kind: Kind,
): Promise<Extensions[Kind][]> {
  const found: Extensions[Kind][] = []
  const settings = pluginSettings(home)
  for (const plugin of config.plugins.values()) {
    if (!(plugin instanceof HostedPlugin)) continue
    const name = shortName(plugin.name)
    const setting = settings(name)
    if (/^(false|0|no|off)$/i.test(setting('enabled') ?? '')) continue
    try {
      const load = (await plugin.source.load())[kind]
      if (!load) continue
      const setup = (await load()).default
      if (typeof setup !== 'function')
        throw broken(`the default export of its ${kind} module is not a function`)
      found.push({ name, setting, setup } as Extensions[Kind])
    } catch (error) {
      reportSkipped(plugin.name, error)
    }
  }
  return found
}

/** The settings of each plugin, by its short name. */
export function pluginSettings(home: string): (plugin: string) => (name: string) => string | undefined {
  const { plugins } = readConfig(home)
  return (plugin) => settingsOf(plugin, plugins[plugin] ?? {}, process.env)
}

/** The environment takes precedence over config.json: `listen` of "metrics" is SHOAL_METRICS_LISTEN. */
export function settingsOf(
  plugin: string,
  configured: Record<string, string>,
  env: NodeJS.ProcessEnv,
): (name: string) => string | undefined {
  const prefix = `SHOAL_${plugin}_`.replaceAll('-', '_').toUpperCase()
  return (name) => env[prefix + name.replaceAll('-', '_').toUpperCase()] ?? configured[name]
}

/** Names a broken plugin on stderr. It must not get in the way of others. */
export function reportSkipped(plugin: string, error: unknown): void {
  process.stderr.write(`shoal: the plugin ${plugin} is skipped: ${messageOf(error)}\n`)
}
