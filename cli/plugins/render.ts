import { table } from '../text/format.ts'
import type { Hosting, pluginsOf } from './hosting.ts'
import type { Installed } from './install.ts'

/** Renders plugins for scripts and for people. */
interface Listed {
  name: string
  version: string
  description: string
  builtIn: boolean
  commands: string[]
  /** The path of an installed plugin. */
  path: string | null
}

export function listedPlugins(plugins: ReturnType<typeof pluginsOf>): Listed[] {
  return plugins.slice(1).map(({ source: { pjson, manifest, root }, installed }) => ({
    name: pjson.name,
    version: pjson.version,
    description: pjson.description ?? '',
    builtIn: !installed,
    commands: Object.keys(manifest.commands).map(asTyped),
    path: installed ? root : null,
  }))
}

export function pluginsText(plugins: readonly Listed[], broken: Hosting['broken']): string {
  const rows = plugins.map(({ name, version, builtIn, commands }) => [
    name,
    version,
    builtIn ? 'built in' : 'installed',
    commands.join(', ') || '-',
  ])
  const faults = broken.map(({ folder, why }) => `\n${folder} is skipped: ${why}`)
  return table(['PLUGIN', 'VERSION', 'FROM', 'COMMANDS'], rows) + faults.join('')
}

export function installedDocument({ pjson, commands, replaced, path }: Installed): object {
  return { name: pjson.name, version: pjson.version, commands: commands.map(asTyped), replaced, path }
}

export function installedText({ pjson, commands, replaced }: Installed): string {
  const instead = replaced === null ? '' : ` instead of ${replaced}`
  const added = commands.map((id) => `\n  shoal ${asTyped(id)}`).join('')
  return `Installed ${pjson.name} ${pjson.version}${instead}${added}`
}

const asTyped = (id: string): string => id.replaceAll(':', ' ')
