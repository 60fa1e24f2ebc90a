import { clearSession } from '../../cli/home/session.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { ShoalError } from '../../protocol/errors.ts'

export default class UserLogout extends ShoalCommand<typeof UserLogout> {
  static override summary = 'Log out and revoke the session'
  static override aliases = ['logout']

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    await client.logout().catch((error: unknown) => {
      // A token that the trackers do not know is already revoked.
      if (!(error instanceof ShoalError) || error.code !== 'TOKEN_INVALID') throw error
    })
    clearSession(this.home)
    this.print({ loggedOut: true }, 'Logged out')
  }
}
