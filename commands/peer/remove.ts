import { targetArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerRemove extends ShoalCommand<typeof PeerRemove> {
  static override summary = 'Remove a file from its group (uploader or admins); copies are not deleted'
  static override args = { target: targetArg() }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, name } = this.args.target
    const { revision } = await client.removeFile(group, name)
    this.print({ group, name, revision }, `Removed ${name} from ${group}`)
  }
}
