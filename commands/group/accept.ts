import { groupArg, usersArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupAccept extends ShoalCommand<typeof GroupAccept> {
  static override summary = 'Accept requests to join a group: all of them or none (admins)'
  static override aliases = ['accept']
  static override args = { group: groupArg(), users: usersArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, users } = this.args
    const { revision } = await client.accept(group, users)
    this.print({ group, accepted: users, revision }, `Accepted ${users.join(', ')} into ${group}`)
  }
}
