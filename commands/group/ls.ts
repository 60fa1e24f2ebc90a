import { Flags } from '@oclif/core'
import { targetArg } from '../../cli/input/args.ts'
import { flags, treeFlags } from '../../cli/input/flags.ts'
import { listed, listingDocument, listingText } from '../../cli/render/tree.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class GroupLs extends ShoalCommand<typeof GroupLs> {
  static override summary = 'List the tree of a snapshot, or a folder of it, without fetching its files'
  static override description =
    "Only the snapshot's list of entries is fetched, unless this home has it: by the running peer, or by one for this command. The size of a folder is that of all files below it."
  static override args = {
    target: targetArg('a snapshot, or a folder or file in it, GROUP:NAME[@VERSION][/PATH]'),
  }
  static override flags = flags({
    recursive: Flags.boolean({ char: 'r', description: 'list all that is below, not only the folder' }),
    ...treeFlags,
  })

  override async run(): Promise<void> {
    const { file, path, index } = await this.snapshotTree(await this.loggedIn(), this.args.target, this.flags)
    const entries = listed(index, path, this.flags.recursive)
    await this.printParts(listingDocument(file, path, index, entries), listingText(file, index, entries))
  }
}
