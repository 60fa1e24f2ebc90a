import { optionalTargetArg } from '../../cli/input/args.ts'
import { verifyCopies } from '../../cli/peer/verify-copies.ts'
import { EXIT_CODES } from '../../cli/process/exit-codes.ts'
import { verifyText } from '../../cli/render/peer.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerVerify extends ShoalCommand<typeof PeerVerify> {
  static override summary = "Hash this home's copies again and stop serving damaged ones"
  static override description =
    'A copy that was touched but is intact is served again. Exits with status 9 if any copy is damaged.'
  static override args = {
    target: optionalTargetArg('a file or folder of a group, GROUP:NAME (default: all)'),
  }

  override async run(): Promise<void> {
    const { files } = await verifyCopies(this.home, this.args.target ?? null, this.flags.progress)
    this.print({ files }, verifyText(files))
    if (files.some(({ state }) => state !== 'ok')) process.exitCode = EXIT_CODES.integrity
  }
}
