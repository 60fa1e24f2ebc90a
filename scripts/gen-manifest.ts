import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Plugin } from '@oclif/core'
import { settings } from '@oclif/core/settings'
import { BUILT_IN } from '../bin/built-in.ts'
import type { PluginManifest } from '../cli/plugins/definition.ts'
import { makeManifest } from '../cli/plugins/hosted-plugin.ts'

/**
 * Writes oclif.manifest.json for Shoal and for each built-in plugin, so that parsing a command line does not
 * import every command. With --check, only reports whether they are up to date. Run `npm run gen:manifest`
 * after a change to a command.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)))

settings.enableAutoTranspile = false
const own = new Plugin({
  root,
  type: 'core',
  isRoot: true,
  ignoreManifest: true,
  errorOnManifestCreate: true,
})
await own.load()
write(root, own.manifest)
for (const plugin of BUILT_IN)
  write(plugin.root, await makeManifest(plugin.pjson, plugin.root, await plugin.load()))

function write(folder: string, { commands, version }: PluginManifest): void {
  const file = join(folder, 'oclif.manifest.json')
  const sorted = Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)))
  const text = `${JSON.stringify({ commands: sorted, version }, null, 2)}\n`
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is stale: run \`npm run gen:manifest\``)
    process.exitCode = 1
  }
}
