import { groupArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { table } from '../../cli/text/format.ts'

export default class GroupRequests extends ShoalCommand<typeof GroupRequests> {
  static override summary = 'List the users who asked to join a group (admins)'
  static override aliases = ['list_requests']
  static override args = { group: groupArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { requests } = await client.requests(this.args.group)
    const rows = requests.map(({ user, since }) => [user, since])
    this.print({ requests }, rows.length === 0 ? 'No requests' : table(['USER', 'SINCE'], rows))
  }
}
