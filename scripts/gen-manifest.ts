import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Plugin } from '@oclif/core'
import { settings } from '@oclif/core/settings'

/**
 * Writes oclif.manifest.json, from which a command line is understood without importing every command;
 * with --check says whether it is up to date instead. `npm run gen:manifest` after a change to a command.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const file = join(root, 'oclif.manifest.json')

settings.enableAutoTranspile = false
const plugin = new Plugin({
  root,
  type: 'core',
  isRoot: true,
  ignoreManifest: true,
  errorOnManifestCreate: true,
})
await plugin.load()
const { commands, version } = plugin.manifest
const sorted = Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)))
const text = `${JSON.stringify({ commands: sorted, version }, null, 2)}\n`

if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  console.error('oclif.manifest.json is stale: run `npm run gen:manifest`')
  process.exitCode = 1
}
