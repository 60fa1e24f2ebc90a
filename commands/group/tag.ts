import { tagArg, targetArg } from '../../cli/input/args.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { ShoalError } from '../../protocol/errors.ts'

export default class GroupTag extends ShoalCommand<typeof GroupTag> {
  static override summary =
    'Make a tag name a version of a file, whatever it named before (uploader or admins)'
  static override description =
    'GROUP:NAME@VERSION chooses the version: a number, latest, another tag, or sha256: and the beginning of its id. Without @VERSION the newest one gets the tag.'
  static override args = {
    target: targetArg('a version of a file, GROUP:NAME[@VERSION]'),
    tag: tagArg(),
  }

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { target, tag: wanted } = this.args
    const { group } = target
    const { file, path } = await client.resolve(group, target.name)
    if (path !== '')
      throw new ShoalError(
        'USAGE',
        `${group}:${target.name} is a part of a snapshot, and only the whole has tags`,
        {
          hint: `tag the snapshot: shoal group tag ${group}:${file.name}@${file.version} ${wanted}`,
        },
      )
    const { tag, revision } = await client.tag(group, file.name, file.version, wanted)
    this.print({ tag, revision }, `${group}:${file.name}@${wanted} is now version ${file.version}`)
  }
}
