import { passwordFlags } from '../../cli/input/flags.ts'
import { readPasswordChange } from '../../cli/input/secrets.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class UserPasswd extends ShoalCommand<typeof UserPasswd> {
  static override summary = 'Change your password and end your other sessions'
  static override description =
    'The passwords come from SHOAL_PASSWORD and SHOAL_NEW_PASSWORD, two lines with --password-stdin, or hidden prompts.'
  static override flags = passwordFlags

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const change = await readPasswordChange({ stdin: this.flags['password-stdin'] })
    const { user } = await client.whoami()
    await client.changePassword(change.old, change.new)
    this.print({ user }, `Changed the password of ${user}`)
  }
}
