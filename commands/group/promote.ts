import { groupArg, userArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupPromote extends ShoalCommand<typeof GroupPromote> {
  static override summary = 'Make a member an admin of the group (owner)'
  static override args = { group: groupArg(), user: userArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, user } = this.args
    const { role, revision } = await client.promote(group, user)
    this.print({ group, user, role, revision }, `${user} is now ${role} of ${group}`)
  }
}
