import { Args } from '@oclif/core'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PluginsUninstall extends ShoalCommand<typeof PluginsUninstall> {
  static override summary = 'Remove a plugin from this home'
  static override args = {
    name: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'name of the plugin or of its folder',
    }),
  }

  override async run(): Promise<void> {
    const { uninstallPlugin } = await import('../../cli/plugins/install.ts')
    const { plugin, path } = uninstallPlugin(this.home, this.args.name)
    this.print({ name: plugin, path }, `Removed ${plugin}`)
  }
}
