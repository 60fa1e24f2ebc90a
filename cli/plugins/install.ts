import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { makePrivateFolder } from '../home/home.ts'
import { broken, checkApart, checkManifest, checkPackage } from './check.ts'
import {
  messageOf,
  type PluginPackage,
  type PluginSource,
  type ShoalPlugin,
  shortName,
} from './definition.ts'
import { makeManifest } from './hosted-plugin.ts'
import {
  API_PACKAGE,
  loadPlugin,
  MANIFEST_FILE,
  type PluginHost,
  pluginFolders,
  pluginsFolder,
  readJson,
} from './installed.ts'
import { unpackTarball } from './tarball.ts'

export interface Installed {
  pjson: PluginPackage
  commands: string[]
  /** The previously installed version, or null. */
  replaced: string | null
  /** The absolute path of its folder. */
  path: string
}

/**
 * Installs the plugin in a folder or an npm tarball: copies it next to its destination, loads all of it there, and only
 * then renames it. `others` are the plugins of this run. Throws PLUGIN_BROKEN with the fault, or PLUGIN_TAKEN if it
 * conflicts with another plugin.
 */
export async function installPlugin(
  home: string,
  host: PluginHost,
  source: string,
  others: readonly PluginSource[],
): Promise<Installed> {
  const plugins = pluginsFolder(home)
  makePrivateFolder(plugins)
  const staged = join(plugins, `.new-${randomBytes(6).toString('hex')}`)
  try {
    await bring(resolve(source), staged)
    const pjson = checkPackage(readJson(join(staged, 'package.json')))
    const plugin = await loadWhole(pjson, staged, () => loadPlugin(home, staged, host))
    const manifest = checkManifest(await makeManifest(pjson, staged, plugin))
    const path = join(plugins, folderOf(pjson.name))
    checkApart(
      { pjson, manifest },
      others.filter(({ root }) => root !== path),
    )
    writeFileSync(join(staged, MANIFEST_FILE), JSON.stringify(manifest), { mode: 0o600 })
    const replaced = existsSync(path) ? fieldIn(path, 'version') : null
    replace(path, staged)
    return { pjson, commands: Object.keys(manifest.commands), replaced, path }
  } finally {
    rmSync(staged, { recursive: true, force: true })
  }
}

/** Removes an installed plugin, broken or not, by its name, short name or folder. Throws PLUGIN_NOT_FOUND. */
export function uninstallPlugin(home: string, name: string): { plugin: string; path: string } {
  for (const folder of pluginFolders(home)) {
    const path = join(pluginsFolder(home), folder)
    const plugin = fieldIn(path, 'name') ?? folder
    if (![plugin, shortName(plugin), folder].includes(name)) continue
    replace(path, null)
    return { plugin, path }
  }
  throw new ShoalError('PLUGIN_NOT_FOUND', `no plugin ${JSON.stringify(name)} is installed in this home`, {
    hint: 'run `shoal plugins list` to see them; disable a built-in plugin with its setting "enabled"',
  })
}

async function bring(source: string, staged: string): Promise<void> {
  try {
    if (!statSync(source).isDirectory()) {
      makePrivateFolder(staged)
      return await unpackTarball(source, staged)
    }
    // Check before copying anything: the path may be any folder.
    checkPackage(readJson(join(source, 'package.json')))
    // Follow links, because a linked package of a workspace must be copied too.
    await cp(source, staged, {
      recursive: true,
      dereference: true,
      filter: (path) => belongsToPlugin(path.slice(source.length)),
    })
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    // For example a socket among the files, or a folder that contains the home.
    if (code.startsWith('ERR_FS_CP_')) throw broken(`${source} cannot be copied: ${message}`)
    throw storageError(error, source)
  }
}

/** Leaves out the checkout's own files, and the API package that its author may have installed. */
function belongsToPlugin(path: string): boolean {
  const apart = [join('node_modules', '.bin'), join('node_modules', API_PACKAGE)].map((name) => sep + name)
  return basename(path) !== '.git' && !apart.some((name) => path.endsWith(name))
}

/** Loads every part of a plugin, so that missing parts are reported now and not when they are used. */
async function loadWhole(
  pjson: PluginPackage,
  root: string,
  load: () => Promise<ShoalPlugin>,
): Promise<ShoalPlugin> {
  try {
    const plugin = await load()
    for (const kind of ['tracker', 'peer'] as const) {
      const part = await plugin[kind]?.()
      if (part && typeof part.default !== 'function')
        throw broken(`the default export of its ${kind} module is not a function`)
    }
    for (const [id, command] of Object.entries(plugin.commands ?? {}))
      if (typeof (await command()).default !== 'function')
        throw broken(`the default export of its command ${id} is not a class`)
    return plugin
  } catch (error) {
    const lacking = lackingPackage(messageOf(error))
    if (lacking !== null)
      throw new ShoalError(
        'PLUGIN_BROKEN',
        `the plugin ${pjson.name} does not contain the package ${lacking}, which it needs`,
        {
          hint: 'run "npm install --omit=dev" in its folder first; for a tarball, name the package in "bundleDependencies" too',
          cause: error,
        },
      )
    const why = messageOf(error).replaceAll(root + sep, '')
    throw new ShoalError('PLUGIN_BROKEN', `the plugin ${pjson.name} cannot be loaded: ${why}`, {
      hint: 'docs/plugins.md describes the parts of a plugin',
      cause: error,
    })
  }
}

/** The missing package in an error message of Node or Deno, or null for any other message. */
export function lackingPackage(message: string): string | null {
  const [, name] =
    /(?:Cannot find (?:package|module)|Could not (?:find|resolve)(?: package)?|Import) ["']([^"'./][^"']*)["']/.exec(
      message,
    ) ?? []
  if (name === undefined || /^(file|node|https?):/.test(name)) return null
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}

/** A folder name cannot contain a slash. */
const folderOf = (name: string): string => name.replace('/', '+')

/** Replaces `path` by `next`, or by nothing. If this throws, the old content is still there. */
function replace(path: string, next: string | null): void {
  const old = join(path, '..', `.old-${randomBytes(6).toString('hex')}`)
  try {
    const there = existsSync(path)
    if (there) renameSync(path, old)
    try {
      if (next !== null) renameSync(next, path)
    } catch (error) {
      if (there) renameSync(old, path)
      throw error
    }
    rmSync(old, { recursive: true, force: true })
  } catch (error) {
    throw storageError(error, path)
  }
}

/** Reads a package.json that may be broken. */
function fieldIn(path: string, field: 'name' | 'version'): string | null {
  try {
    const value: unknown = (readJson(join(path, 'package.json')) as Record<string, unknown>)[field]
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}
