import { resolve } from 'node:path'
import { Args, Flags, flags, interrupt, onceFlags, parseTarget, ShoalCommand } from '@shoal/plugin'
import { openMirror } from '../open-mirror.ts'
import { summaryText } from '../render.ts'

export default class MirrorCommand extends ShoalCommand<typeof MirrorCommand> {
  static override summary = "Keep a folder equal to a snapshot or to a group's files"
  static override description =
    `Follows the group until Ctrl-C. Each file appears complete or not at all, and a new version replaces the old one. Files that were altered or removed since the mirror put them there are repaired: it compares them when it starts, and a snapshot's again with each new version. Nothing is deleted without --delete.

GROUP:NAME of a snapshot makes the folder equal to the snapshot's newest version, GROUP:NAME@TAG to the version that has the tag, and GROUP:NAME/PATH to a folder in its tree. Any other name stands for the files and snapshots below it, each with its own version.`
  static override args = {
    target: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'a snapshot, a group or a folder in it: GROUP:NAME, GROUP or GROUP:PREFIX',
    }),
    folder: Args.string({ required: true, ignoreStdin: true, description: 'folder on this machine' }),
  }
  static override flags = flags({
    delete: Flags.boolean({
      description:
        'delete what the snapshot or group does not have; only in a folder that was empty or has the marker of this mirror',
    }),
    adopt: Flags.boolean({ description: 'with --delete: take over a folder that is not empty' }),
    force: Flags.boolean({ description: 'replace files that no download put there' }),
    checksum: Flags.boolean({
      description: 'compare the contents of all files, not only their sizes and times',
    }),
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
    const { delete: deletes, follow, adopt, force, checksum, 'dry-run': dryRun } = this.flags
    await this.withPeer(
      this.flags,
      async (peer, progress) => {
        const mirror = await openMirror({
          ...{ client, peer, progress, group, prefix, deletes, follow, adopt, force, checksum, dryRun },
          folder: resolve(folder),
          tell: (line) => this.notice(line),
        })
        return mirror.run(interrupt.signal)
      },
      (summary) => this.print(summary, summaryText(summary)),
    )
    process.exitCode = interrupt.exitCode ?? 0
  }
}
