import { Args } from '@oclif/core'
import { allFiles } from '../../cli/home/tracker-client.ts'
import { groupArg } from '../../cli/input/args.ts'
import { filesText } from '../../cli/render/group.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { checkFileName } from '../../protocol/names.ts'

export default class GroupFiles extends ShoalCommand<typeof GroupFiles> {
  static override summary = 'List the files of a group, or those below a folder'
  static override description = 'Counts come from peer announces and lag by up to a second.'
  static override args = {
    group: groupArg(),
    prefix: Args.string({
      ignoreStdin: true,
      description: 'a file or folder of the group',
      parse: async (text) => checkFileName(text.replace(/\/+$/, '')),
    }),
  }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, prefix } = this.args
    const files = await allFiles(client, group, prefix ?? '')
    this.print({ files }, filesText(files))
  }
}
