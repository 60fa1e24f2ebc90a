import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { storageError } from '../../protocol/errors.ts'
import { broken, checkApart, checkManifest, checkPackage } from './check.ts'
import type { PluginSource, ShoalPlugin } from './definition.ts'

/** The package that plugins import, and the symbol under which this process holds its exports. */
export const API_PACKAGE = '@shoal/plugin'
const API_SYMBOL = 'shoal.plugin-api'

/** Written beside package.json when a plugin is installed: what its commands are, so that a run need not load it. */
export const MANIFEST_FILE = 'oclif.manifest.json'

/** Below a home: one folder a plugin, and node_modules/@shoal/plugin, through which they reach this program. */
export const pluginsFolder = (home: string): string => join(home, 'plugins')

/** What loads code at run time; the single binary has a way of its own. */
export interface PluginHost {
  /** The exports of @shoal/plugin. */
  api(): Promise<Record<string, unknown>>
  importFile(url: string): Promise<{ default?: unknown }>
}

/** Folders of installed plugins, below the home's plugins; hidden ones are on their way in or out. */
export function pluginFolders(home: string): string[] {
  const folder = pluginsFolder(home)
  try {
    if (!existsSync(folder)) return []
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort()
  } catch (error) {
    throw storageError(error, folder)
  }
}

/**
 * The plugins that are installed in a home, without loading them. `skip` is told of those that are broken, or
 * in the way of `others` or of one another; they are left out.
 */
export function installedPlugins(
  home: string,
  host: PluginHost,
  others: readonly PluginSource[],
  skip: (folder: string, error: unknown) => void,
): PluginSource[] {
  const found: PluginSource[] = []
  let folders: string[] = []
  try {
    folders = pluginFolders(home)
  } catch (error) {
    // The folder of all of them: a file in its place, or not to be read.
    skip('plugins', error)
  }
  for (const folder of folders) {
    try {
      const plugin = readPlugin(home, join(pluginsFolder(home), folder), host)
      checkApart(plugin, [...others, ...found])
      found.push(plugin)
    } catch (error) {
      skip(folder, error)
    }
  }
  return found
}

function readPlugin(home: string, root: string, host: PluginHost): PluginSource {
  const pjson = checkPackage(readJson(join(root, 'package.json')))
  const manifest = checkManifest(readJson(join(root, MANIFEST_FILE)))
  return { pjson, manifest, root, load: () => loadPlugin(home, root, host) }
}

export function readJson(file: string): object {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw error instanceof SyntaxError ? broken(`${file} is no JSON`) : storageError(error, file)
  }
}

/** Imports the module of the plugin in `root`, a folder below the home's plugins. Throws PLUGIN_BROKEN, or what the module throws. */
export async function loadPlugin(home: string, root: string, host: PluginHost): Promise<ShoalPlugin> {
  await writeShim(home, host)
  const module = await host.importFile(pathToFileURL(entryOf(root)).href)
  if (typeof module.default !== 'object' || module.default === null)
    throw broken(`${entryOf(root)} has no default export of { commands, tracker, peer }`)
  return module.default as ShoalPlugin
}

/** The file that package.json names: "exports" as a string or under ".", else "main", else index.js. */
function entryOf(root: string): string {
  const { exports, main } = readJson(join(root, 'package.json')) as { exports?: unknown; main?: unknown }
  const dot = typeof exports === 'object' && exports !== null ? (exports as { '.'?: unknown })['.'] : exports
  const entry = typeof dot === 'string' ? dot : typeof main === 'string' ? main : 'index.js'
  return join(root, entry)
}

/**
 * Plugins share this program's own modules: @shoal/plugin, as they find it above them, re-exports what this
 * process has loaded. It is written anew by each version that runs, with the names that it exports.
 */
async function writeShim(home: string, host: PluginHost): Promise<void> {
  const api = await host.api()
  Object.assign(globalThis, { [Symbol.for(API_SYMBOL)]: api })
  const names = Object.keys(api).filter((name) => name !== 'default')
  const text = `export const { ${names.join(', ')} } = globalThis[Symbol.for(${JSON.stringify(API_SYMBOL)})]\n`
  const folder = join(pluginsFolder(home), 'node_modules', API_PACKAGE)
  const files = {
    'package.json': JSON.stringify({ name: API_PACKAGE, type: 'module', exports: './index.js' }),
    'index.js': text,
  }
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name)
    if (existsSync(file) && readFileSync(file, 'utf8') === content) continue
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(file, content, { mode: 0o600 })
    } catch (error) {
      throw storageError(error, file)
    }
  }
}
