import { writeSession } from '../../cli/home/session.ts'
import { userArg } from '../../cli/input/args.ts'
import { passwordFlags } from '../../cli/input/flags.ts'
import { readPassword } from '../../cli/input/secrets.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class UserLogin extends ShoalCommand<typeof UserLogin> {
  static override summary = 'Log in and keep the session in this home'
  static override description = 'The password comes from SHOAL_PASSWORD, --password-stdin or a hidden prompt.'
  static override aliases = ['login']
  static override args = { name: userArg() }
  static override flags = passwordFlags

  override async run(): Promise<void> {
    const client = await this.client()
    const password = await readPassword({ stdin: this.flags['password-stdin'] })
    const { user, token, expires } = await client.login(this.args.name, password)
    writeSession(this.home, { user, token })
    this.print({ user, expires }, `Logged in as ${user}`)
  }
}
