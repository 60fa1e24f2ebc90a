import { Flags } from '@oclif/core'
import { targetArg } from '../../cli/input/args.ts'
import { flags, onceFlags, rateFlag, waitFlag } from '../../cli/input/flags.ts'
import { downloadOutput, toStream } from '../../cli/peer/download-output.ts'
import { plainTarget } from '../../cli/peer/plain-target.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { downloadText } from '../../cli/render/peer.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerDownload extends ShoalCommand<typeof PeerDownload> {
  static override summary =
    'Download a file, or a folder with all files below it, from the peers that have it'
  static override description = `Run the same command again to continue an interrupted download.

GROUP:NAME@VERSION downloads an older version: a number, latest, a tag, or sha256: and at least 12 digits of its id. A file whose whole name matches, "@" and all, wins.`
  static override aliases = ['download']
  static override args = { target: targetArg('a file or folder of a group, GROUP:NAME[@VERSION]') }
  static override flags = flags({
    output: Flags.string({
      char: 'o',
      helpValue: 'PATH',
      description:
        'file, folder, FIFO or device to write, or "-" for standard output (default: its own name in the current folder)',
    }),
    wait: waitFlag,
    'max-down': rateFlag({ description: 'limit for fetching, in bytes per second, for example 10MB' }),
    'max-up': rateFlag({ description: 'limit for serving, in bytes per second' }),
    sequential: Flags.boolean({ description: 'fetch from front to back' }),
    force: Flags.boolean({
      description: 'replace a file that is not an earlier, untouched download of this name',
    }),
    ...onceFlags,
  })

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { output, wait, sequential, force } = this.flags
    const { target } = this.args
    const to = downloadOutput(output, output === undefined ? await plainTarget(client, target) : target)
    const request = {
      ...target,
      output: 'path' in to ? to.path : null,
      maxDown: this.flags['max-down'] ?? 0,
      maxUp: this.flags['max-up'] ?? 0,
      sequential,
      waitMs: wait,
      force,
    }
    const started = performance.now()
    await this.withPeer(
      this.flags,
      (peer, progress) =>
        'stream' in to
          ? toStream(
              to.stream,
              (listener, signal) => peer.download(request, listener, signal),
              progress,
              interrupt.signal,
            )
          : peer.download(request, progress, interrupt.signal),
      ({ files }) => this.print({ files }, downloadText(files, (performance.now() - started) / 1000)),
    )
  }
}
