import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  commands: Record<
    string,
    {
      aliases: string[]
      args: Record<string, { required?: boolean; multiple?: boolean }>
      flags: Record<string, { char?: string; env?: string; helpGroup?: string; type: string }>
    }
  >
}

const root = join(import.meta.dirname, '../..')

/** All commands as their manifests describe them: Shoal's own and those of built-in plugins. */
export const COMMANDS: Manifest['commands'] = Object.assign(
  {},
  ...['.', ...readdirSync(join(root, 'plugins')).map((plugin) => `plugins/${plugin}`)].map((folder) => {
    const manifest: Manifest = JSON.parse(readFileSync(join(root, folder, 'oclif.manifest.json'), 'utf8'))
    return manifest.commands
  }),
)
