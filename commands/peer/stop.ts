import { processStart, waitForEnd } from '../../cli/home/process-identity.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerStop extends ShoalCommand<typeof PeerStop> {
  static override summary = "Stop this home's peer and wait until it has ended"
  static override aliases = ['stop']

  override async run(): Promise<void> {
    const { connectPeer } = await import('../../peer/control/client.ts')
    const running = await connectPeer(this.home)
    if (!running) return this.print({ stopped: [] }, 'No peer is running in this home')
    const { peer, pid } = await running.status()
    const started = pid === null ? null : processStart(pid)
    await running.stop()
    if (pid !== null && started !== null) await waitForEnd({ pid, started })
    this.print({ stopped: [{ peer, pid }] }, `Stopped the peer (process ${pid})`)
  }
}
