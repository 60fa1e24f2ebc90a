import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class UserWhoami extends ShoalCommand<typeof UserWhoami> {
  static override summary = 'Show the user who is logged in, as the trackers know it'

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { user } = await client.whoami()
    this.print({ user }, user)
  }
}
