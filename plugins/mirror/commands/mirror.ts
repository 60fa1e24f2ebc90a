import { Args, Flags, flags, interrupt, onceFlags, parseTarget, ShoalCommand } from '@shoal/plugin'
import { Mirror } from '../mirror.ts'
import { summaryText } from '../render.ts'

export default class MirrorCommand extends ShoalCommand<typeof MirrorCommand> {
  static override summary = "Keep a folder equal to a group's files"
  static override description =
    'Follows the group until Ctrl-C. Each file appears complete or not at all, and a new version replaces the old one. Nothing is deleted without --delete.'
  static override args = {
    target: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'a group, or a folder in it: GROUP or GROUP:PREFIX',
    }),
    folder: Args.string({ required: true, ignoreStdin: true, description: 'folder on this machine' }),
  }
  static override flags = flags({
    delete: Flags.boolean({
      description:
        'delete files of the folder that are not in the group; only in a folder that the mirror made',
    }),
    adopt: Flags.boolean({ description: 'with --delete: take over a folder that is not empty' }),
    force: Flags.boolean({ description: 'replace files that no download put there' }),
    'dry-run': Flags.boolean({ description: 'only list what would be fetched and deleted' }),
    follow: Flags.boolean({
      default: true,
      allowNo: true,
      description: 'keep following new files; --no-follow ends once the folder is equal',
    }),
    ...onceFlags,
  })

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { target, folder } = this.args
    const { group, name: prefix } = parseTarget(target.includes(':') ? target : `${target}:`)
    const { delete: deletes, follow, adopt, force, 'dry-run': dryRun } = this.flags
    await this.withPeer(
      this.flags,
      (peer, progress) =>
        new Mirror({
          ...{ client, peer, progress, group, prefix, folder, deletes, follow, adopt, force, dryRun },
          tell: (line) => this.notice(line),
        }).run(interrupt.signal),
      (summary) => this.print(summary, summaryText(summary)),
    )
    process.exitCode = interrupt.exitCode ?? 0
  }
}
