import { fileURLToPath } from 'node:url'
import type { PluginSource } from '../cli/plugins/definition.ts'
import dashboard from '../plugins/dashboard/index.ts'
import dashboardManifest from '../plugins/dashboard/oclif.manifest.json' with { type: 'json' }
import dashboardPackage from '../plugins/dashboard/package.json' with { type: 'json' }
import metalink from '../plugins/metalink/index.ts'
import metalinkManifest from '../plugins/metalink/oclif.manifest.json' with { type: 'json' }
import metalinkPackage from '../plugins/metalink/package.json' with { type: 'json' }
import metrics from '../plugins/metrics/index.ts'
import metricsManifest from '../plugins/metrics/oclif.manifest.json' with { type: 'json' }
import metricsPackage from '../plugins/metrics/package.json' with { type: 'json' }
import mirror from '../plugins/mirror/index.ts'
import mirrorManifest from '../plugins/mirror/oclif.manifest.json' with { type: 'json' }
import mirrorPackage from '../plugins/mirror/package.json' with { type: 'json' }

const here = (folder: string): string => fileURLToPath(new URL(`../plugins/${folder}`, import.meta.url))

/** The plugins that ship with Shoal. Each is its own workspace and imports only @shoal/plugin. */
export const BUILT_IN: readonly PluginSource[] = [
  {
    pjson: dashboardPackage,
    manifest: dashboardManifest,
    root: here('dashboard'),
    load: async () => dashboard,
  },
  { pjson: metalinkPackage, manifest: metalinkManifest, root: here('metalink'), load: async () => metalink },
  { pjson: metricsPackage, manifest: metricsManifest, root: here('metrics'), load: async () => metrics },
  { pjson: mirrorPackage, manifest: mirrorManifest, root: here('mirror'), load: async () => mirror },
]
