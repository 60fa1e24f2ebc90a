import { groupArg } from '../../cli/input/args.ts'
import { groupDocument, groupText } from '../../cli/render/group.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupShow extends ShoalCommand<typeof GroupShow> {
  static override summary = 'Show a group and its members'
  static override args = { group: groupArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const group = await client.group(this.args.group)
    this.print(groupDocument(group), groupText(group))
  }
}
