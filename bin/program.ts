import type { PluginSource } from '../cli/plugins/definition.ts'
import manifest from '../oclif.manifest.json' with { type: 'json' }
import pjson from '../package.json' with { type: 'json' }

/** Shoal's own commands, as a plugin like any other. `root` is the folder of package.json. */
export function ownCommands(root: string): PluginSource {
  const commands = Object.fromEntries(
    Object.keys(manifest.commands).map((id) => [
      id,
      () => import(`../commands/${id.replaceAll(':', '/')}.ts`),
    ]),
  )
  return { pjson, manifest, root, load: async () => ({ commands }) }
}
