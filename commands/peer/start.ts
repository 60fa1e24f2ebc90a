import { Flags } from '@oclif/core'
import { flags, listenFlag, queueFlag, tlsFlags } from '../../cli/input/flags.ts'
import { ANY_ADDRESS, peerLogFile, startHere } from '../../cli/peer/with-peer.ts'
import { surviveLostErrors } from '../../cli/process/background-errors.ts'
import { startDetached } from '../../cli/process/detach.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerStart extends ShoalCommand<typeof PeerStart> {
  static override summary = "Run this home's peer until Ctrl-C: it serves the home's files and fetches others"
  static override description = 'Prints one line of JSON once it is ready.'
  static override flags = flags({
    listen: listenFlag({
      description: 'address for other peers to connect to; port 0 means any free port',
      default: async () => ANY_ADDRESS,
      defaultHelp: async () => '0.0.0.0:0',
    }),
    detach: Flags.boolean({ description: 'run in the background, with logs in peer.log in the home' }),
    queue: queueFlag,
    ...tlsFlags,
  })

  override async run(): Promise<void> {
    if (this.flags.detach) {
      const ready = await startDetached(['peer', 'start', ...this.argv], peerLogFile(this.home))
      process.stdout.write(`${JSON.stringify(ready)}\n`)
      return this.notice('The peer is running. Stop it with: shoal peer stop')
    }
    interrupt.takeOver()
    surviveLostErrors()
    const choice = {
      home: this.home,
      extensions: () => this.extensions('peer'),
      trackers: this.trackers,
      tls: !this.flags['no-tls'],
      logLevel: this.flags['log-level'],
      queue: this.flags.queue,
    }
    const peer = await startHere(choice, this.flags.listen)
    process.stdout.write(`${JSON.stringify({ url: peer.url, peer: peer.peer, pid: process.pid })}\n`)
    this.notice('The peer is running. Stop it with Ctrl-C.')
    peer.warmUp()
    await Promise.race([interrupt.wait(), peer.stopped])
    await peer.stop()
    process.exitCode = interrupt.exitCode ?? 0
  }
}
