import { Flags } from '@oclif/core'
import { optionalTargetArg, targetArg } from '../../cli/input/args.ts'
import { flags, treeFlags } from '../../cli/input/flags.ts'
import { plainTarget } from '../../cli/peer/plain-target.ts'
import { TreeDiff } from '../../cli/render/tree-diff.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupDiff extends ShoalCommand<typeof GroupDiff> {
  static override summary = 'Show what differs between two snapshots, without fetching their files'
  static override description =
    'Compares kinds, contents (by SHA-256), modes, modification times and targets of links.'
  static override args = {
    before: targetArg('a snapshot, or a folder or file in it, GROUP:NAME[@VERSION][/PATH]'),
    after: optionalTargetArg('what to compare it with (default: the newest version of the same name)'),
  }
  static override flags = flags({
    stat: Flags.boolean({ description: 'show only how many entries differ' }),
    'ignore-times': Flags.boolean({ description: 'leave out modification times' }),
    ...treeFlags,
  })

  override async run(): Promise<void> {
    const client = await this.loggedIn()
    const { before, after = await plainTarget(client, before) } = this.args
    const [from, to] = [
      await this.snapshotTree(client, before, this.flags),
      await this.snapshotTree(client, after, this.flags),
    ]
    const difference = new TreeDiff(from, to, this.flags['ignore-times'])
    const withChanges = !this.flags.stat
    await this.printParts(difference.document(withChanges), difference.text(withChanges))
  }
}
