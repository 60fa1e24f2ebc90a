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
  static override summary = 'Run a tracker until Ctrl-C; on a data folder in use, it joins as another replica'
  static override description =
    'Prints one line of JSON once it is ready. Without --redis it runs an embedded Redis in the data folder.'
  static override flags = flags({
    listen: listenFlag({
      description: 'address to listen on; port 0 means any free port',
      default: async () => ({ host: '127.0.0.1', port: 8080 }),
      defaultHelp: async () => '127.0.0.1:8080',
    }),
    url: Flags.string({
      description:
        'URL at which others reach it, shown by `tracker status` (default: from --listen, or an address of this host)',
      helpValue: 'URL',
      parse: async (text) => trackerUrl(text),
    }),
    ...storeFlags,
    detach: Flags.boolean({ description: 'run in the background, with logs in the data folder' }),
    'tls-cert': Flags.string({
      description: 'TLS certificate, PEM',
      helpValue: 'FILE',
      dependsOn: ['tls-key'],
    }),
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
      return this.notice(
        `A tracker is running at ${ready.url}. Stop it with: shoal tracker stop --data ${data}`,
      )
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
    this.notice(`A tracker is running at ${url}. Stop it with Ctrl-C.`)
    await interrupt.wait()
    await tracker.stop()
    withdraw()
    process.exitCode = interrupt.exitCode ?? 0
  }
}
