import { groupArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupJoin extends ShoalCommand<typeof GroupJoin> {
  static override summary = 'Ask to join a group; one of its admins accepts or rejects'
  static override aliases = ['join_group']
  static override args = { group: groupArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group } = this.args
    const { revision } = await client.requestJoin(group)
    this.print({ group, requested: true, revision }, `Asked to join ${group}; one of its admins must accept`)
  }
}
