import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type LicensedPart, licensedPart } from '../../cli/render/licenses.ts'
import { ROOT } from './paths.ts'

/** An npm package with at least one file in the binary. */
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

/**
 * The packages of the bundled `inputs` (paths from the folder of package.json), sorted by name and version.
 */
export function packagesOf(inputs: readonly string[]): NpmPackage[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
  const folders = new Set(inputs.map(folderOf).filter((folder) => folder !== null))
  const packages = [...folders].map((folder) => ({
    ...licensedPart(urlOf(folder)),
    integrity: lock.packages[folder]?.integrity,
  }))
  // A package installed in two places counts once.
  const byId = new Map(packages.map((each) => [`${each.name}@${each.version}`, each]))
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/**
 * Package files that plugins serve unchanged, such as a page's modules: the files in "shoal.carries" of each
 * plugin's package.json, relative to the folder of Shoal's.
 */
export function carriedByPlugins(): string[] {
  return globSync('plugins/*/package.json', { cwd: ROOT }).flatMap((path) => {
    const { shoal = {} } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as PluginPackage
    return Object.values(shoal.carries ?? {})
  })
}

/** The package folder of a file ("node_modules/a/node_modules/@b/c"); null for a file of our own. */
function folderOf(input: string): string | null {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? null
}

const urlOf = (folder: string): URL => pathToFileURL(`${join(ROOT, folder)}/`)

export const ownPart = (): LicensedPart => licensedPart(urlOf(''))

/** Node.js. The npm package that holds the program also holds the licence. */
export function nodePart(): LicensedPart {
  const folder = 'node_modules/node/node_modules'
  const names = existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder)) : []
  const name = names.find((each) => /^node-(?!bin-setup)/.test(each))
  if (name === undefined) throw new Error('the licence of Node.js is missing: run `npm ci`, then build again')
  return { ...licensedPart(urlOf(`${folder}/${name}`)), name: 'node', license: 'MIT' }
}
