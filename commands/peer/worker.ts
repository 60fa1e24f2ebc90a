import { flags, queueFlag } from '../../cli/input/flags.ts'
import { surviveLostErrors } from '../../cli/process/background-errors.ts'
import { interrupt } from '../../cli/process/interrupt.ts'
import { processLog } from '../../cli/process/log.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class PeerWorker extends ShoalCommand<typeof PeerWorker> {
  static override summary = "Help this home's peer with its downloads until Ctrl-C"
  static override description =
    'A worker fetches chunks from the queue of the peer, on this machine or on another that mounts the ' +
    'home and the output folder at the same paths and uses the same --queue. It prints one line of JSON once it ' +
    'is ready, and one when it ends.'
  static override flags = flags({ queue: queueFlag })

  override async run(): Promise<void> {
    interrupt.takeOver()
    surviveLostErrors()
    const { startWorker } = await import('../../peer/worker/worker.ts')
    const { warn } = processLog(this.flags['log-level'])
    const worker = await startWorker({ home: this.home, queue: this.flags.queue, warn })
    const tell = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)
    tell({ peer: worker.peer, pid: process.pid })
    this.notice('The worker is running. Stop it with Ctrl-C.')
    await interrupt.wait()
    tell(await worker.stop())
    process.exitCode = interrupt.exitCode ?? 0
  }
}
