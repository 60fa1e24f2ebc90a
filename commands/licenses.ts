import { licensedParts, licensesText } from '../cli/render/licenses.ts'
import { ShoalCommand } from '../cli/run/base-command.ts'

export default class Licenses extends ShoalCommand<typeof Licenses> {
  static override summary = 'Show the licences of Shoal and its components'

  override async run(): Promise<void> {
    const parts = licensedParts()
    this.print({ licenses: parts }, licensesText(parts))
  }
}
