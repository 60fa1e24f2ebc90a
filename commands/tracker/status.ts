import { statusText } from '../../cli/render/tracker.ts'
import { ShoalCommand } from '../../cli/run/base-command.ts'

export default class TrackerStatus extends ShoalCommand<typeof TrackerStatus> {
  static override summary = "Show the tracker's replicas, its counts, and the state of its Redis"

  override async run(): Promise<void> {
    const client = await this.client()
    const status = await client.status()
    this.print(status, statusText(status))
  }
}
