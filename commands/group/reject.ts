import { groupArg, usersArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupReject extends ShoalCommand<typeof GroupReject> {
  static override summary = 'Reject requests to join a group: all of them or none (admins)'
  static override args = { group: groupArg(), users: usersArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, users } = this.args
    const { revision } = await client.reject(group, users)
    this.print({ group, rejected: users, revision }, `Rejected ${users.join(', ')}`)
  }
}
