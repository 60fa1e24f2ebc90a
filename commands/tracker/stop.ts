import { trackerData } from '../../cli/home/home.ts'
import { waitForEnd } from '../../cli/home/process-identity.ts'
import { runningReplicas } from '../../cli/home/replica-files.ts'
import { dataFlags } from '../../cli/input/flags.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class TrackerStop extends ShoalCommand<typeof TrackerStop> {
  static override summary =
    'Stop the trackers of a data folder on this machine and wait until they have ended'
  static override flags = dataFlags

  override async run(): Promise<void> {
    const data = trackerData(this.home, this.flags.data)
    const replicas = runningReplicas(data)
    for (const { pid } of replicas) process.kill(pid, 'SIGTERM')
    await Promise.all(replicas.map(waitForEnd))
    const stopped = replicas.map(({ pid, url, replica }) => ({ pid, url, replica }))
    const text = stopped.map(({ url, pid }) => `Stopped the tracker at ${url} (process ${pid})`).join('\n')
    this.print({ stopped }, text || `No tracker is running on ${data}`)
  }
}
