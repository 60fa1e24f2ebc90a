import { resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { trackerData } from '../../cli/home/home.ts'
import { fileArg } from '../../cli/input/args.ts'
import { flags, storeFlags } from '../../cli/input/flags.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { countsText } from '../../cli/text/format.ts'

export default class TrackerBackup extends ShoalCommand<typeof TrackerBackup> {
  static override summary = 'Save all metadata of the trackers in a file, while they run'
  static override description =
    'The file holds password hashes and signing keys. Only its owner may read it: keep it so.'
  static override args = { file: fileArg('where to save it') }
  static override flags = flags({
    force: Flags.boolean({ description: 'replace FILE where it exists' }),
    ...storeFlags,
  })

  override async run(): Promise<void> {
    const { redis, data, force } = this.flags
    const place = { dataFolder: trackerData(this.home, data), ...(redis ? { redis } : {}) }
    interrupt.takeOver()
    const { backupTracker } = await import('../../tracker/backup.ts')
    const file = resolve(this.args.file)
    const counts = await backupTracker(place, file, { force, signal: interrupt.signal })
    this.print({ file, ...counts }, `Saved ${countsText(counts)} in ${file}`)
    this.notice('It holds password hashes and signing keys: keep it where nobody else can read it.')
  }
}
