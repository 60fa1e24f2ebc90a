import { fileArg } from '../../cli/input/args.ts'
import { hostingOf, pluginsOf } from '../../cli/plugins/hosting.ts'
import { installedDocument, installedText } from '../../cli/plugins/render.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PluginsInstall extends ShoalCommand<typeof PluginsInstall> {
  static override summary = 'Install a plugin, or another version of it, in this home'
  static override description =
    'A plugin runs with all of your rights from its installation on. Install only plugins that you trust.'
  static override args = { source: fileArg('a folder, or an npm tarball (.tgz)') }

  override async run(): Promise<void> {
    const { installPlugin } = await import('../../cli/plugins/install.ts')
    const others = pluginsOf(this.config).map(({ source }) => source)
    const installed = await installPlugin(this.home, hostingOf(this.config).host, this.args.source, others)
    this.print(installedDocument(installed), installedText(installed))
  }
}
