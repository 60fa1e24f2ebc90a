import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type LicensedPart, licensedPart } from '../../cli/licenses.ts'
import { ROOT } from './paths.ts'

/** An npm package of which at least one file is in the binary. */
export interface NpmPackage extends LicensedPart {
  /** Subresource integrity from the lock file. */
  integrity: string | undefined
}

interface PluginPackage {
  shoal?: { carries?: Record<string, string> }
}

interface Lock {
  packages: Record<string, { integrity?: string }>
}

/** The packages of the bundled `inputs` (paths from the folder of package.json), by name and version. */
export function packagesOf(inputs: readonly string[]): NpmPackage[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
  const folders = new Set(inputs.map(folderOf).filter((folder) => folder !== null))
  const packages = [...folders].map((folder) => ({
    ...licensedPart(urlOf(folder)),
    integrity: lock.packages[folder]?.integrity,
  }))
  // One that is installed in two places is one package.
  const byId = new Map(packages.map((each) => [`${each.name}@${each.version}`, each]))
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/**
 * Files of packages that plugins read as they are, a page's modules say: what "shoal.carries" of their
 * package.json names, from the folder of Shoal's.
 */
export function carriedByPlugins(): string[] {
  return globSync('plugins/*/package.json', { cwd: ROOT }).flatMap((path) => {
    const { shoal = {} } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as PluginPackage
    return Object.values(shoal.carries ?? {})
  })
}

/** "node_modules/a/node_modules/@b/c" of a file in it; null for a file of our own. */
function folderOf(input: string): string | null {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? null
}

const urlOf = (folder: string): URL => pathToFileURL(`${join(ROOT, folder)}/`)

/** Shoal itself. */
export const ownPart = (): LicensedPart => licensedPart(urlOf(''))

/** Node.js: the package that brings its program has its licence too. */
export function nodePart(): LicensedPart {
  const folder = 'node_modules/node/node_modules'
  const names = existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder)) : []
  const name = names.find((each) => /^node-(?!bin-setup)/.test(each))
  if (name === undefined) throw new Error('the licence of Node.js is missing: run `npm ci`, then build again')
  return { ...licensedPart(urlOf(`${folder}/${name}`)), name: 'node', license: 'MIT' }
}
