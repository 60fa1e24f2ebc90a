import { groupArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupLeave extends ShoalCommand<typeof GroupLeave> {
  static override summary = 'Leave a group; it is removed when its last member leaves'
  static override aliases = ['leave_group']
  static override args = { group: groupArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group } = this.args
    const { removed, heir, revision } = await client.leave(group)
    const after = removed ? '; it had no other members and is removed' : heir ? `; ${heir} owns it now` : ''
    this.print({ group, removed, heir, revision }, `Left ${group}${after}`)
  }
}
