import { groupsText } from '../../cli/render/group.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import type { GroupList as Groups } from '../../tracker-client/api/schemas.ts'

export default class GroupList extends ShoalCommand<typeof GroupList> {
  static override summary = 'List all groups, and your role in each'
  static override aliases = ['list_groups']

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const groups: Groups['groups'] = []
    for await (const group of client.listGroups()) groups.push(group)
    this.print({ groups }, groupsText(groups))
  }
}
