import { resolve } from 'node:path'
import { trackerData } from '../../cli/home/home.ts'
import { fileArg } from '../../cli/input/args.ts'
import { storeFlags } from '../../cli/input/flags.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { countsText } from '../../cli/text/format.ts'

export default class TrackerRestore extends ShoalCommand<typeof TrackerRestore> {
  static override summary = 'Restore a backup into an empty store that no tracker uses'
  static override description =
    'Users, passwords, sessions and members become as they were at the backup. An interrupted restore can be run again.'
  static override args = { file: fileArg('a file saved by `shoal tracker backup`') }
  static override flags = storeFlags

  override async run(): Promise<void> {
    const { redis, data } = this.flags
    const place = { dataFolder: trackerData(this.home, data), ...(redis ? { redis } : {}) }
    interrupt.takeOver()
    const { restoreTracker } = await import('../../tracker/backup.ts')
    const file = resolve(this.args.file)
    const counts = await restoreTracker(place, file, interrupt.signal)
    this.print({ file, ...counts }, `Restored ${countsText(counts)} from ${file}`)
  }
}
