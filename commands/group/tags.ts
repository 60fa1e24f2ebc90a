import { Flags } from '@oclif/core'
import { targetArg } from '../../cli/input/args.ts'
import { flags } from '../../cli/input/flags.ts'
import { tagHistoryText, tagsText } from '../../cli/render/versions.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupTags extends ShoalCommand<typeof GroupTags> {
  static override summary = 'List the tags of a file, or how they moved'
  static override args = { target: targetArg('a file of a group, GROUP:NAME') }
  static override flags = flags({
    history: Flags.boolean({
      description: 'list the changes, newest first: the last 100 of each tag, and 1,000 in all',
    }),
  })

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, name } = this.args.target
    if (this.flags.history) {
      const { changes } = await client.tagHistory(group, name)
      this.print({ changes }, tagHistoryText(name, changes))
    } else {
      const { tags } = await client.tags(group, name)
      this.print({ tags }, tagsText(name, tags))
    }
  }
}
