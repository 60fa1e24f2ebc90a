import { Args, Flags } from '@oclif/core'
import { allFiles, allVersions } from '../../cli/home/tracker-client.ts'
import { groupArg } from '../../cli/input/args.ts'
import { flags } from '../../cli/input/flags.ts'
import { filesText } from '../../cli/render/group.ts'
import { versionsText, withKind } from '../../cli/render/versions.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { checkFileName } from '../../protocol/names.ts'

export default class GroupFiles extends ShoalCommand<typeof GroupFiles> {
  static override summary = 'List the files of a group, or those below a folder, or the versions of a file'
  static override description = 'Counts come from peer announces and lag by up to a second.'
  static override args = {
    group: groupArg(),
    prefix: Args.string({
      ignoreStdin: true,
      description: 'a file or folder of the group',
      parse: async (text) => checkFileName(text.replace(/\/+$/, '')),
    }),
  }
  static override flags = flags({
    versions: Flags.boolean({
      description: 'list the versions of the named file that are kept, newest first, with their tags',
    }),
  })

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, prefix = '' } = this.args
    if (!this.flags.versions) {
      const files = await allFiles(client, group, prefix)
      this.print({ files: files.map(withKind) }, filesText(files))
      return
    }
    if (prefix === '')
      throw new ShoalError('USAGE', '--versions needs the name of a file', {
        hint: `list the files first: shoal group files ${group}`,
      })
    const versions = await allVersions(client, group, prefix)
    this.print({ versions: versions.map(withKind) }, versionsText(versions))
  }
}
