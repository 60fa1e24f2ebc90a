import { statusText } from '../../cli/render/peer.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import type { PeerStatus as Status } from '../../peer/control/api.ts'

export default class PeerStatus extends ShoalCommand<typeof PeerStatus> {
  static override summary = "Show the files that this home's peer serves and downloads"

  override async run(): Promise<void> {
    const { connectPeer } = await import('../../peer/control/client.ts')
    const running = await connectPeer(this.home)
    const status = running ? await running.status() : await this.#idle()
    this.print(status, statusText(status))
  }

  /** The status of a home whose peer is not running. */
  async #idle(): Promise<Status> {
    const { loadIdentity } = await import('../../peer/wire/identity.ts')
    const { peer } = await loadIdentity(this.home)
    return { peer, url: null, pid: null, seeding: [], downloads: [] }
  }
}
