import {
  Args,
  durationFlag,
  Flags,
  flags,
  groupFlag,
  interrupt,
  onceFlags,
  ShoalCommand,
} from '@shoal/plugin'
import { publishedText } from '../render.ts'
import { Watch } from '../watch.ts'

export default class WatchCommand extends ShoalCommand<typeof WatchCommand> {
  static override summary = "Publish a folder's files as they change"
  static override description =
    'Follows the folder until Ctrl-C. A changed file becomes a new version; a removed file stays in the group.'
  static override args = {
    folder: Args.string({ required: true, ignoreStdin: true, description: 'folder on this machine' }),
  }
  static override flags = flags({
    group: groupFlag(),
    as: Flags.string({ helpValue: 'PREFIX', description: 'folder in the group (default: none)' }),
    settle: durationFlag({
      description: 'how long a file must stay unchanged before it is published',
      default: 2000,
      defaultHelp: async () => '2s',
    }),
    ...onceFlags,
  })

  override async run(): Promise<void> {
    await this.loggedIn()
    const { group, as, settle } = this.flags
    await this.withPeer(
      this.flags,
      (peer, progress) =>
        new Watch({
          ...{ peer, progress, group, prefix: as ?? '', folder: this.args.folder, settleMs: settle },
          tell: (line) => this.notice(line),
        }).run(interrupt.signal),
      (files) => this.print({ files }, publishedText(group, files)),
    )
    process.exitCode = interrupt.exitCode ?? 0
  }
}
