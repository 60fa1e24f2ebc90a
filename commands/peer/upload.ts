import { Args, Flags } from '@oclif/core'
import { groupFlag } from '../../cli/input/args.ts'
import { flags, onceFlags, snapshotFlags, snapshotOptions } from '../../cli/input/flags.ts'
import { openSources } from '../../cli/input/upload-sources.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { uploadText } from '../../cli/render/peer.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerUpload extends ShoalCommand<typeof PeerUpload> {
  static override summary = 'Share files with a group; they are hashed and served in place'
  static override description =
    'A folder is shared with everything below it. "-" reads standard input, and needs --as.'
  static override aliases = ['upload']
  static override args = {
    path: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'files, folders, or "-"',
    }),
  }
  static override flags = flags({
    group: groupFlag(),
    as: Flags.string({
      helpValue: 'NAME',
      description: 'name in the group; for a folder or several files, the folder they are put in',
    }),
    files: Flags.boolean({
      description:
        'publish each file of a folder by itself, with a version of its own, instead of one snapshot',
    }),
    ...snapshotFlags,
    ...onceFlags,
  })

  override async run(): Promise<void> {
    await this.loggedIn()
    interrupt.takeOver()
    const { group, as, files: separate } = this.flags
    const options = snapshotOptions(this.flags, separate)
    const sources = await openSources(this.args.path, as, this.home, separate, interrupt.signal)
    const folders = sources.folders.map((folder) => ({ ...folder, ...options }))
    for (const notice of sources.notices) this.notice(notice)
    let shared = false
    try {
      await this.withPeer(
        this.flags,
        (peer, progress) => peer.upload({ group, files: sources.files, folders }, progress, interrupt.signal),
        ({ files }) => {
          shared = true
          this.print({ files }, uploadText(group, files))
        },
      )
    } finally {
      if (!shared) await sources.discard()
    }
  }
}
