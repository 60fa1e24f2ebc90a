import { Flags } from '@oclif/core'
import { targetArg } from '../../cli/input/args.ts'
import { durationFlag, flags, onceFlags, rateFlag } from '../../cli/input/flags.ts'
import { outputPath, toStdout } from '../../cli/peer/download-output.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { downloadText } from '../../cli/render/peer.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerDownload extends ShoalCommand<typeof PeerDownload> {
  static override summary =
    'Download a file, or a folder with all files below it, from the peers that have it'
  static override description = 'Run the same command again to continue an interrupted download.'
  static override aliases = ['download']
  static override args = { target: targetArg() }
  static override flags = flags({
    output: Flags.string({
      char: 'o',
      helpValue: 'PATH',
      description:
        'file or folder to write, or "-" for standard output (default: its own name in the current folder)',
    }),
    wait: durationFlag({
      description: 'how long to wait for a peer that serves it',
      default: 10_000,
      defaultHelp: async () => '10s',
    }),
    'max-down': rateFlag({ description: 'limit for fetching, in bytes per second, for example 10MB' }),
    'max-up': rateFlag({ description: 'limit for serving, in bytes per second' }),
    sequential: Flags.boolean({ description: 'fetch from front to back' }),
    ...onceFlags,
  })

  override async run(): Promise<void> {
    await this.loggedIn()
    const { output, wait, sequential } = this.flags
    const request = {
      ...this.args.target,
      output: outputPath(output, this.args.target),
      maxDown: this.flags['max-down'] ?? 0,
      maxUp: this.flags['max-up'] ?? 0,
      sequential,
      waitMs: wait,
    }
    const started = performance.now()
    await this.withPeer(
      this.flags,
      (peer, progress) =>
        request.output === null
          ? toStdout((listener) => peer.download(request, listener, interrupt.signal), progress)
          : peer.download(request, progress, interrupt.signal),
      ({ files }) => this.print({ files }, downloadText(files, (performance.now() - started) / 1000)),
    )
  }
}
