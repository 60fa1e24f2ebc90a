import { userArg } from '../../cli/input/args.ts'
import { passwordFlags } from '../../cli/input/flags.ts'
import { readPassword } from '../../cli/input/secrets.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class UserRegister extends ShoalCommand<typeof UserRegister> {
  static override summary = 'Register a new user'
  static override description =
    'The password comes from SHOAL_PASSWORD, --password-stdin or a hidden prompt. Log in afterwards.'
  static override aliases = ['register']
  static override args = { name: userArg() }
  static override flags = passwordFlags

  override async run(): Promise<void> {
    const client = await this.client()
    const password = await readPassword({ stdin: this.flags['password-stdin'], confirm: true })
    const { user } = await client.register(this.args.name, password)
    this.print({ user }, `Registered ${user}. Log in with: shoal user login ${user}`)
  }
}
