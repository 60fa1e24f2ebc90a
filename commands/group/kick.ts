import { groupArg, usersArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupKick extends ShoalCommand<typeof GroupKick> {
  static override summary = 'Remove members from a group: all of them or none (admins)'
  static override args = { group: groupArg(), users: usersArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, users } = this.args
    const { revision } = await client.kick(group, users)
    this.print({ group, kicked: users, revision }, `Removed ${users.join(', ')} from ${group}`)
  }
}
