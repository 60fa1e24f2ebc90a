import { groupArg } from '../../cli/input/args.ts'
import { groupDocument, groupText } from '../../cli/render/group.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupCreate extends ShoalCommand<typeof GroupCreate> {
  static override summary = 'Create a group that you own'
  static override aliases = ['create_group']
  static override args = { group: groupArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    await client.createGroup(this.args.group)
    const group = await client.group(this.args.group)
    this.print(groupDocument(group), groupText(group))
  }
}
