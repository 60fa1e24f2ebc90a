import { ShoalError } from '../../protocol/errors.ts'
import { type PluginManifest, type PluginPackage, type PluginSource, shortName } from './definition.ts'

/** Checks a plugin's package.json and manifest. Pure. */
const PACKAGE_NAME = /^(?:@[a-z0-9][\w.-]{0,100}\/)?[a-z0-9][\w.-]{0,100}$/
/** The first two words of a command line select the command. */
const COMMAND_ID = /^[a-z][\w-]*(?::[a-z][\w-]*)?$/

export function broken(why: string): ShoalError {
  return new ShoalError('PLUGIN_BROKEN', why, { hint: 'docs/plugins.md describes the parts of a plugin' })
}

/** Throws PLUGIN_BROKEN if this is not a package.json with a name and a version. */
export function checkPackage(pjson: unknown): PluginPackage {
  const { name, version } = (pjson ?? {}) as Partial<PluginPackage>
  if (typeof name !== 'string' || !PACKAGE_NAME.test(name))
    throw broken('its package.json has no valid "name"')
  if (typeof version !== 'string' || !/^\d[\w.+-]*$/.test(version))
    throw broken(`the package.json of ${name} has no "version"`)
  return pjson as PluginPackage
}

/** Throws PLUGIN_BROKEN for a manifest that oclif cannot handle. */
export function checkManifest(manifest: unknown): PluginManifest {
  const { commands } = (manifest ?? {}) as { commands?: unknown }
  if (!isObject(commands)) throw broken('its oclif.manifest.json has no commands')
  for (const [id, command] of Object.entries(commands)) {
    if (!COMMAND_ID.test(id))
      throw broken(`the command id ${JSON.stringify(id)} is neither "word" nor "topic:word", in lower case`)
    const { id: own, aliases, flags, args } = (command ?? {}) as Record<string, unknown>
    const whole = own === id && Array.isArray(aliases) && isObject(flags) && isObject(args)
    if (!whole || !aliases.every((alias) => typeof alias === 'string' && COMMAND_ID.test(alias)))
      throw broken(`its oclif.manifest.json does not describe the command ${id}`)
  }
  return manifest as PluginManifest
}

/** Throws PLUGIN_TAKEN if another plugin has the same short name, or the same command or alias. */
export function checkApart(
  plugin: Pick<PluginSource, 'pjson' | 'manifest'>,
  others: readonly PluginSource[],
): void {
  const { name } = plugin.pjson
  const names = namesOf(plugin.manifest)
  for (const other of others) {
    if (shortName(other.pjson.name) === shortName(name))
      throw taken(`the plugin ${other.pjson.name} already exists`)
    const both = namesOf(other.manifest).find((id) => names.includes(id))
    if (both === undefined) continue
    const whose = other.pjson.name === 'shoal' ? 'Shoal itself' : `the plugin ${other.pjson.name}`
    throw taken(`the plugin ${name} and ${whose} both have a command "${both.replaceAll(':', ' ')}"`)
  }
}

function namesOf({ commands }: PluginManifest): string[] {
  return Object.entries(commands).flatMap(([id, command]) => [
    id,
    ...(command as { aliases: string[] }).aliases,
  ])
}

function taken(why: string): ShoalError {
  return new ShoalError('PLUGIN_TAKEN', why, { hint: 'run `shoal plugins list` to see all plugins' })
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
