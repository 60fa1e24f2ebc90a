import { type Command, Plugin } from '@oclif/core'
import { ShoalError } from '../../protocol/errors.ts'
import {
  messageOf,
  type PluginManifest,
  type PluginPackage,
  type PluginSource,
  type ShoalPlugin,
} from './definition.ts'

type PJSON = Plugin['pjson']

/**
 * An oclif plugin over a PluginSource. Commands come from the source's table, not from files that oclif finds, so that a
 * checkout, Deno and the single binary load them in the same way.
 */
export class HostedPlugin extends Plugin {
  readonly source: PluginSource

  constructor(source: PluginSource, type: 'core' | 'user') {
    super({ root: source.root, name: source.pjson.name, type, pjson: asPjson(source.pjson) })
    this.source = source
  }

  override async load(): Promise<void> {
    const { pjson, manifest, root } = this.source
    Object.assign(this, { root, type: this.options.type, moduleType: 'module', valid: true, hooks: {} })
    Object.assign(this, {
      pjson: asPjson(pjson),
      name: pjson.name,
      alias: pjson.name,
      version: pjson.version,
    })
    this.manifest = manifest as Plugin['manifest']
    this.commandIDs = Object.keys(manifest.commands)
    this.commands = Object.entries(this.manifest.commands).map(([id, command]) => ({
      ...command,
      load: () => this.findCommand(id, { must: true }),
      pluginAlias: this.alias,
      pluginType: this.type,
    }))
  }

  override async findCommand(id: string, options: { must: true }): Promise<Command.Class>
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined>
  override async findCommand(id: string, options?: { must: boolean }): Promise<Command.Class | undefined> {
    const command = (await this.#load(id))[id]
    if (command) return Object.assign(command, { id, plugin: this })
    if (!options?.must) return undefined
    throw new ShoalError('PLUGIN_BROKEN', `the plugin ${this.name} has no command ${id}`, {
      hint: this.#hint,
    })
  }

  /** An error while an installed plugin loads is not a bug of Shoal. */
  async #load(id: string): Promise<Record<string, Command.Class>> {
    try {
      return await commandsOf(this.source, (name) => name === id)
    } catch (error) {
      if (this.type !== 'user') throw error
      const why = `the plugin ${this.name} cannot load its command ${id.replaceAll(':', ' ')}: ${messageOf(error)}`
      throw new ShoalError('PLUGIN_BROKEN', why, { hint: this.#hint, cause: error })
    }
  }

  get #hint(): string {
    return `reinstall it, or remove it with: shoal plugins uninstall ${this.name}`
  }
}

/** Builds a plugin's manifest by loading all of its commands. Throws their errors. */
export async function makeManifest(
  pjson: PluginPackage,
  root: string,
  plugin: ShoalPlugin,
): Promise<PluginManifest> {
  const commands = await commandsOf({ load: async () => plugin }, () => true)
  const base = asPjson(pjson)
  base.oclif.commands = { strategy: 'explicit', target: root, identifier: 'default' }
  const maker = new Plugin({
    root,
    pjson: base,
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
  })
  // oclif would have loaded these from files by its own naming.
  Object.assign(maker, { commandCache: commands })
  await maker.load()
  return maker.manifest
}

async function commandsOf(
  source: Pick<PluginSource, 'load'>,
  wanted: (id: string) => boolean,
): Promise<Record<string, Command.Class>> {
  const { commands = {} } = await source.load()
  const loaded = Object.entries(commands)
    .filter(([id]) => wanted(id))
    .map(async ([id, load]): Promise<[string, Command.Class]> => [id, (await load()).default])
  return Object.fromEntries(await Promise.all(loaded))
}

/** A copy, because oclif changes what it is given. */
const asPjson = (pjson: PluginPackage): PJSON => ({ ...pjson, oclif: { ...pjson.oclif } }) as PJSON
