import { targetArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { parseSelectedName } from '../../protocol/selector.ts'

export default class GroupUntag extends ShoalCommand<typeof GroupUntag> {
  static override summary = 'Remove a tag of a file (uploader or admins); the version stays'
  static override args = { target: targetArg('a tag of a file, GROUP:NAME@TAG') }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { group, name: text } = this.args.target
    const selected = parseSelectedName(text)
    if (selected?.selector.kind !== 'tag' || selected.path !== '')
      throw new ShoalError('USAGE', `${group}:${text} does not name a tag`, {
        hint: `write GROUP:NAME@TAG; to list the tags of a file: shoal group tags ${group}:${text}`,
      })
    const { name, selector } = selected
    const { tag } = selector
    const { revision } = await client.untag(group, name, tag)
    this.print({ group, name, tag, revision }, `Removed the tag ${tag} of ${group}:${name}`)
  }
}
