import { hostingOf, pluginsOf } from '../../cli/plugins/hosting.ts'
import { listedPlugins, pluginsText } from '../../cli/plugins/render.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PluginsList extends ShoalCommand<typeof PluginsList> {
  static override summary = 'List the built-in plugins and those of this home'

  override async run(): Promise<void> {
    const { broken } = hostingOf(this.config)
    const plugins = listedPlugins(pluginsOf(this.config))
    this.print({ plugins, broken }, pluginsText(plugins, broken))
  }
}
