import { resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { trackerData } from '../../cli/home/home.ts'
import { fileArg } from '../../cli/input/args.ts'
import { flags, storeFlags } from '../../cli/input/flags.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { countsText } from '../../cli/text/format.ts'

export default class TrackerBackup extends ShoalCommand<typeof TrackerBackup> {
  static override summary = 'Save all metadata of running trackers to a file'
  static override description =
    'The file contains password hashes and signing keys. Only its owner can read it: keep it that way.'
  static override args = { file: fileArg('the file to write') }
  static override flags = flags({
    force: Flags.boolean({ description: 'replace FILE if it exists' }),
    ...storeFlags,
  })

  override async run(): Promise<void> {
    const { redis, data, force } = this.flags
    const place = { dataFolder: trackerData(this.home, data), ...(redis ? { redis } : {}) }
    interrupt.takeOver()
    const { backupTracker } = await import('../../tracker/backup.ts')
    const file = resolve(this.args.file)
    const counts = await backupTracker(place, file, { force, signal: interrupt.signal })
    this.print({ file, ...counts }, `Saved ${countsText(counts)} to ${file}`)
    this.notice('It contains password hashes and signing keys: keep it where nobody else can read it.')
  }
}
