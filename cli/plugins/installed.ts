import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { storageError } from '../../protocol/errors.ts'
import { broken, checkApart, checkManifest, checkPackage } from './check.ts'
import type { PluginSource, ShoalPlugin } from './definition.ts'

/** The package that plugins import, and the symbol under which this process keeps its exports. */
export const API_PACKAGE = '@shoal/plugin'
const API_SYMBOL = 'shoal.plugin-api'

/** Written beside package.json at installation, so that a run need not load the plugin to know its commands. */
export const MANIFEST_FILE = 'oclif.manifest.json'

/** In a home: one folder per plugin, and node_modules/@shoal/plugin, through which they reach this program. */
export const pluginsFolder = (home: string): string => join(home, 'plugins')

/** Loads code at run time. The single binary has its own implementation. */
export interface PluginHost {
  /** The exports of @shoal/plugin. */
  api(): Promise<Record<string, unknown>>
  importFile(url: string): Promise<{ default?: unknown }>
}

/** Folders of installed plugins, below the home's plugins. Hidden ones are being installed or removed. */
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
 * The plugins installed in a home, without loading them. Broken ones, and those that conflict with `others` or each
 * other, are left out and passed to `skip`.
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
    // The folder of all plugins is a file or unreadable.
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
    throw error instanceof SyntaxError ? broken(`${file} is not JSON`) : storageError(error, file)
  }
}

/** Imports the module of the plugin in `root`, a folder below the home's plugins. Throws PLUGIN_BROKEN, or the module's error. */
export async function loadPlugin(home: string, root: string, host: PluginHost): Promise<ShoalPlugin> {
  await writeShim(home, host)
  const module = await host.importFile(pathToFileURL(entryOf(root)).href)
  if (typeof module.default !== 'object' || module.default === null)
    throw broken(`the default export of ${entryOf(root)} is not { commands, tracker, peer }`)
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
 * Plugins share this program's modules: @shoal/plugin, which they find above them, re-exports what this process has
 * loaded. Each version rewrites it with the names that it exports.
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
