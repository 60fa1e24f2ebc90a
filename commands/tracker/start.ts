import { join } from 'node:path'
import { Flags } from '@oclif/core'
import { trackerData } from '../../cli/home/home.ts'
import { announceReplica } from '../../cli/home/replica-files.ts'
import { flags, listenFlag, storeFlags } from '../../cli/input/flags.ts'
import { readTlsFiles } from '../../cli/input/tls-files.ts'
import { surviveLostErrors } from '../../cli/process/background-errors.ts'
import { startDetached } from '../../cli/process/detach.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'
import { trackerUrl } from '../../tracker-client/url.ts'

export default class TrackerStart extends ShoalCommand<typeof TrackerStart> {
  static override summary =
    'Run a tracker until Ctrl-C; on a data folder that has one already, a second replica'
  static override description =
    'Prints one line of JSON once it is ready. Without --redis it runs a Redis of its own in the data folder.'
  static override flags = flags({
    listen: listenFlag({
      description: 'where to listen; port 0 is any free one',
      default: async () => ({ host: '127.0.0.1', port: 8080 }),
      defaultHelp: async () => '127.0.0.1:8080',
    }),
    url: Flags.string({
      description:
        'where others reach it, as `tracker status` says (default: by --listen, or an address of this host)',
      helpValue: 'URL',
      parse: async (text) => trackerUrl(text),
    }),
    ...storeFlags,
    detach: Flags.boolean({ description: 'run in the background, with logs in the data folder' }),
    'tls-cert': Flags.string({ description: 'certificate, PEM', helpValue: 'FILE', dependsOn: ['tls-key'] }),
    'tls-key': Flags.string({
      description: 'its private key, PEM',
      helpValue: 'FILE',
      dependsOn: ['tls-cert'],
    }),
  })

  override async run(): Promise<void> {
    const data = trackerData(this.home, this.flags.data)
    if (this.flags.detach) {
      const ready = await startDetached(['tracker', 'start', ...this.argv], join(data, 'tracker.log'))
      process.stdout.write(`${JSON.stringify(ready)}\n`)
      return this.notice(`A tracker runs at ${ready.url}. Stop it with: shoal tracker stop --data ${data}`)
    }
    interrupt.takeOver()
    const { 'tls-cert': cert, 'tls-key': key } = this.flags
    const { startTracker } = await import('../../tracker/start.ts')
    surviveLostErrors()
    const tracker = await startTracker({
      listen: this.flags.listen,
      dataFolder: data,
      log: this.flags['log-level'],
      extensions: await this.extensions('tracker'),
      ...(this.flags.url ? { url: this.flags.url } : {}),
      ...(this.flags.redis ? { redis: this.flags.redis } : {}),
      ...(cert && key ? { tls: readTlsFiles(cert, key) } : {}),
    })
    const { url, replica, redis } = tracker
    const withdraw = announceReplica(data, { url, replica })
    process.stdout.write(`${JSON.stringify({ url, replica, redis, pid: process.pid })}\n`)
    this.notice(`A tracker runs at ${url}. Stop it with Ctrl-C.`)
    await interrupt.wait()
    await tracker.stop()
    withdraw()
    process.exitCode = interrupt.exitCode ?? 0
  }
}
